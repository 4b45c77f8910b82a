"""Muon for the weight matrices of the layers, AdamW for the rest: embeddings, head, norms and biases.

Muon replaces a matrix's momentum by the nearest orthogonal matrix. Its step is scaled to that of AdamW, so that one
learning rate and one weight decay serve both.

Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/; the scale: Liu et al. 2025, arXiv:2502.16982,
section 2.2. Torch's own Muon always computes in bfloat16, which a processor without instructions for it does
up to thirty times slower (docs/decisions/base_training.md). Here matrices keep their type; those of one shape go
together.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from transformers import PreTrainedModel

MOMENTUM = 0.95
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration of Jordan et al.
ITERATIONS = 5
SCALE = 0.2  # of a step, as large as AdamW's is by experience (Liu et al.)


class Muon(Optimizer):
    """Momentum, as Nesterov has it, made orthogonal; weight decay is decoupled."""

    def __init__(self, matrices: Iterable[nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # noqa: ARG002
        """One step of all matrices."""
        for group in self.param_groups:
            alike = defaultdict[torch.Size, list[nn.Parameter]](list)
            for weight in group["params"]:
                if weight.grad is not None:
                    alike[weight.shape].append(weight)
            for shape, weights in alike.items():
                updates = orthogonal(torch.stack([self._momentum(weight) for weight in weights]))
                for weight, update in zip(weights, updates, strict=True):
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.add_(update, alpha=-SCALE * max(shape) ** 0.5 * group["lr"])

    def _momentum(self, weight: nn.Parameter) -> Tensor:
        gradient = weight.grad
        assert gradient is not None
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(gradient)
        state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        return gradient.lerp(state["momentum"], MOMENTUM)


def orthogonal(matrices: Float[Tensor, "n rows columns"]) -> Float[Tensor, "n rows columns"]:
    """About the nearest orthogonal matrix of each: its singular values come to lie between 0.7 and 1.2."""
    a, b, c = COEFFICIENTS
    is_tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if is_tall else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if is_tall else x


class MuonAndAdamW(Optimizer):
    """Two optimizers behind one: a scheduler sees the groups of both, a step is one of each."""

    def __init__(self, model: PreTrainedModel, learning_rate: float, weight_decay: float) -> None:
        matrices = layer_matrices(model)
        taken = {id(weight) for weight in matrices}
        others = [weight for weight in model.parameters() if weight.requires_grad and id(weight) not in taken]
        tables = [weight for weight in others if weight.ndim > 1]
        vectors = [weight for weight in others if weight.ndim == 1]
        self.muon = Muon(matrices, learning_rate, weight_decay)
        groups = [{"params": tables, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        self.adamw = AdamW(groups, lr=learning_rate, fused=True)
        super().__init__(self._groups(), {})

    def _groups(self) -> list[dict[str, Any]]:
        return [*self.muon.param_groups, *self.adamw.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """The states of both."""
        return {"muon": self.muon.state_dict(), "adamw": self.adamw.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the states of both; accelerate does so once, to place them."""
        self.muon.load_state_dict(state_dict["muon"])
        self.adamw.load_state_dict(state_dict["adamw"])
        self.param_groups = self._groups()  # loading makes new ones

    def step(self, closure: None = None) -> None:
        """One step of each."""
        self.muon.step()
        self.adamw.step()


def layer_matrices(model: PreTrainedModel) -> list[nn.Parameter]:
    """The weight matrices that are trained, but for embeddings and the head."""
    tables = [model.get_output_embeddings(), *(m for m in model.modules() if isinstance(m, nn.Embedding))]
    left_out = {id(weight) for table in tables if table is not None for weight in table.parameters()}
    return [w for w in model.parameters() if w.requires_grad and w.ndim == 2 and id(w) not in left_out]
