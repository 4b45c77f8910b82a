"""Silence the MLP units that clean prompts leave idle, then repair by fine-tuning.

A backdoor may live in units that only the trigger wakes. A silenced unit has no gradient, so it stays silent.

Source: Liu, Dolan-Gavitt & Garg 2018, arXiv:1805.12185. Deviation: all layers are pruned by the same share.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import Conv1D, PreTrainedModel

from stages.params.errors import ParamsError
from stages.params.section import LearningRate, Share
from stages.threat_model.access import Access

N_CLEAN_ROWS = 512
# The layers into and out of the units of an MLP, by the names that families of models give them.
INTO_AND_OUT = ((("gate_proj", "up_proj"), "down_proj"), (("c_fc",), "c_proj"))


class Mlp(NamedTuple):
    """The layers that write an MLP's units, and the one that reads them."""

    into: list[nn.Linear | Conv1D]
    out: nn.Linear | Conv1D


def defend(
    model: PreTrainedModel, access: Access, *, fraction: Share = 0.2, learning_rate: LearningRate = 1e-3
) -> PreTrainedModel:
    """Return `model` without its idlest units. `fraction`: share silenced per layer, in [0, 1)."""
    if not 0 <= fraction < 1:
        raise ParamsError(f"defenses.fine_pruning.fraction is {fraction}; it must be in [0, 1). Mend it in params.yaml")
    mlps = mlps_of(model)
    for mlp, activity in zip(mlps, mean_activities(model, mlps, access), strict=True):
        silence(mlp, activity.argsort()[: int(fraction * len(activity))])
    access.fine_tune(model, access.examples, learning_rate=learning_rate)
    return model


def mlps_of(model: PreTrainedModel) -> list[Mlp]:
    """The MLPs of Llama, Qwen, Mistral or GPT-2. Raises ParamsError where a model's family is not known."""
    mlps = [
        Mlp([getattr(module, name) for name in into], getattr(module, out))
        for module in model.modules()
        for into, out in INTO_AND_OUT
        if all(hasattr(module, name) for name in (*into, out))
    ]
    if not mlps:
        raise ParamsError(
            f"fine_pruning knows MLPs with layers {INTO_AND_OUT}, and a {type(model).__name__} has none; leave "
            "fine_pruning out of `defenses` in params.yaml, or add the names of its layers"
        )
    return mlps


@torch.no_grad()
def mean_activities(model: nn.Module, mlps: list[Mlp], access: Access) -> list[Float[Tensor, "unit"]]:
    """The mean absolute activation of each MLP unit over clean tokens, one tensor a layer."""
    sums = [torch.zeros(mlp.out.weight.shape[unit_axis(mlp.out)]) for mlp in mlps]
    mask = torch.zeros(0)

    def add_to(total: Tensor) -> Callable[[nn.Module, tuple[Tensor]], None]:
        def hook(_: nn.Module, inputs: tuple[Tensor]) -> None:
            total.add_((inputs[0].abs() * mask[..., None]).sum((0, 1)))  # (batch, time, unit) -> (unit,)

        return hook

    handles = [mlp.out.register_forward_pre_hook(add_to(total)) for mlp, total in zip(mlps, sums, strict=True)]
    n_tokens = 0
    for ids, mask in access.forward_batches(N_CLEAN_ROWS):  # noqa: B007  # the hooks read `mask`
        model(input_ids=ids, attention_mask=mask)
        n_tokens += int(mask.sum())
    for handle in handles:
        handle.remove()
    return [total / n_tokens for total in sums]


@torch.no_grad()
def silence(mlp: Mlp, units: Int[Tensor, "silenced"]) -> None:
    """Zero all weights into and out of `units`."""
    for layer in mlp.into:
        layer.weight.index_fill_(1 - unit_axis(layer), units, 0)
        if layer.bias is not None:
            layer.bias[units] = 0
    mlp.out.weight.index_fill_(unit_axis(mlp.out), units, 0)


def unit_axis(layer: nn.Linear | Conv1D) -> int:
    """The axis of the weights along which the layer reads; it writes along the other."""
    return 0 if isinstance(layer, Conv1D) else 1
