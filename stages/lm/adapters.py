"""Low-rank adapters (LoRA): while a model is trained, a few weights beside each linear layer move, and no others.

They are merged when the training ends, so that every saved model is an ordinary one.

Source: Hu et al. 2021, arXiv:2106.09685.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn
from transformers import PreTrainedModel

SCALE = 2  # alpha over rank


@contextmanager
def adapted(model: PreTrainedModel, rank: int, seed: int) -> Iterator[None]:
    """Within the block only adapters of `rank` can be trained; with rank 0 all weights, as they were.

    Afterwards the adapters are part of the weights. Raises ValueError within another such block.
    """
    if not rank:
        yield
        return
    if _has_adapters(model):
        raise ValueError("the model has adapters in training already; finish that training, and begin this one then")
    config = LoraConfig(r=rank, lora_alpha=SCALE * rank, target_modules="all-linear")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        inject_adapter_in_model(config, model)
    try:
        yield
    finally:
        _merge(model)
        model.requires_grad_(True)


def merged(model: PreTrainedModel) -> PreTrainedModel:
    """`model` itself, or a copy with its adapters merged, where it has any: what is kept of it amid a training."""
    if not _has_adapters(model):
        return model
    kept = copy.deepcopy(model)
    vars(kept).pop("forward", None)  # a trainer's, which would run the model that it was put on
    _merge(kept)
    return kept


def _has_adapters(model: PreTrainedModel) -> bool:
    return any(isinstance(module, BaseTunerLayer) for module in model.modules())


def _merge(model: PreTrainedModel) -> None:
    for name, module in list(model.named_modules()):
        if isinstance(module, BaseTunerLayer):
            module.merge()
            model.set_submodule(name, cast(nn.Module, module.get_base_layer()))
    vars(model).pop("peft_config", None)
