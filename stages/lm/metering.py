"""Counts what a block of code runs through language models, in forward tokens, whoever runs it.

Every token enters a model through an embedding, so a hook there sees a loop of anyone's own, a copy of the model, or a
model made inside the block. A token that may be trained on, because gradients are on, counts three.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from stages.lm.training import TRAINED_TOKEN_COST


@dataclass
class Meter:
    """`tokens` counted so far; padding is free."""

    tokens: int = 0


@contextmanager
def metered(filler: int) -> Iterator[Meter]:
    """Within the block, count the tokens that enter any embedding; `filler` is the padding's id."""
    meter = Meter()

    def count(module: nn.Module, inputs: tuple[object, ...]) -> None:
        if isinstance(module, nn.Embedding) and inputs and isinstance(inputs[0], torch.Tensor):
            n_tokens = int((inputs[0] != filler).sum())
            meter.tokens += n_tokens * (TRAINED_TOKEN_COST if torch.is_grad_enabled() else 1)

    handle = nn.modules.module.register_module_forward_pre_hook(count)
    try:
        yield meter
    finally:
        handle.remove()
