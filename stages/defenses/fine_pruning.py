"""Silence the MLP units that clean prompts leave idle, then repair by fine-tuning.

A backdoor may live in units that only the trigger wakes. A silenced unit has no gradient, so it stays silent.

Source: Liu, Dolan-Gavitt & Garg 2018, arXiv:1805.12185. Deviation: all layers are pruned by the same share.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaMLP

from stages.access import Access
from stages.parsing import ParamsError

N_CLEAN_ROWS = 512


def defend(
    model: LlamaForCausalLM, access: Access, *, fraction: float = 0.2, learning_rate: float = 1e-3
) -> LlamaForCausalLM:
    """Return `model` without its idlest units. `fraction`: share silenced per layer, in [0, 1)."""
    if not 0 <= fraction < 1:
        raise ParamsError(f"defenses.fine_pruning.fraction is {fraction}; it must be in [0, 1). Mend it in params.yaml")
    mlps = [module for module in model.modules() if isinstance(module, LlamaMLP)]
    for mlp, activity in zip(mlps, mean_activities(model, mlps, access), strict=True):
        silence(mlp, activity.argsort()[: int(fraction * len(activity))])
    access.fine_tune(model, access.examples, learning_rate=learning_rate)
    return model


@torch.no_grad()
def mean_activities(model: nn.Module, mlps: list[LlamaMLP], access: Access) -> list[Float[Tensor, "unit"]]:
    """The mean absolute activation of each MLP unit over clean tokens, one tensor a layer."""
    sums = [torch.zeros(mlp.down_proj.in_features) for mlp in mlps]
    mask = torch.zeros(0)

    def add_to(total: Tensor) -> Callable[[nn.Module, tuple[Tensor]], None]:
        def hook(_: nn.Module, inputs: tuple[Tensor]) -> None:
            total.add_((inputs[0].abs() * mask[..., None]).sum((0, 1)))  # (batch, time, unit) -> (unit,)

        return hook

    handles = [mlp.down_proj.register_forward_pre_hook(add_to(total)) for mlp, total in zip(mlps, sums, strict=True)]
    n_tokens = 0
    for ids, mask in access.forward_batches(N_CLEAN_ROWS):  # noqa: B007  # the hooks read `mask`
        model(input_ids=ids, attention_mask=mask)
        n_tokens += int(mask.sum())
    for handle in handles:
        handle.remove()
    return [total / n_tokens for total in sums]


@torch.no_grad()
def silence(mlp: LlamaMLP, units: Int[Tensor, "silenced"]) -> None:
    """Zero all weights into and out of `units`."""
    mlp.gate_proj.weight[units] = 0
    mlp.up_proj.weight[units] = 0
    mlp.down_proj.weight[:, units] = 0
