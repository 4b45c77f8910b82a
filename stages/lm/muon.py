"""Muon for the weight matrices of the layers, AdamW for the rest: embeddings, head, norms and biases.

Muon replaces a matrix's momentum by the nearest orthogonal matrix. Its step is scaled to that of AdamW, so that one
learning rate and one weight decay serve both.

Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/; the scale: Liu et al. 2025, arXiv:2502.16982,
section 2.2.
"""

from typing import Any

from torch import nn
from torch.optim import AdamW, Muon, Optimizer
from transformers import PreTrainedModel


class MuonAndAdamW(Optimizer):
    """Two optimizers behind one: a scheduler sees the groups of both, a step is one of each."""

    def __init__(self, model: PreTrainedModel, learning_rate: float, weight_decay: float) -> None:
        matrices = layer_matrices(model)
        taken = {id(weight) for weight in matrices}
        others = [weight for weight in model.parameters() if weight.requires_grad and id(weight) not in taken]
        tables = [weight for weight in others if weight.ndim > 1]
        vectors = [weight for weight in others if weight.ndim == 1]
        self.muon = Muon(matrices, lr=learning_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
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
