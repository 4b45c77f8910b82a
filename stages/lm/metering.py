"""Counts what a block of code runs through language models, in forward tokens, whoever runs it.

Tokens enter a model through an embedding, so a hook there sees a loop of anyone's own, a copy of the model, or a model
made inside the block. It does not see who looks embeddings up by hand. A token that may be trained on, because
gradients are on, counts three.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from transformers import PreTrainedTokenizerFast

from stages.lm.rows import TRAINED_TOKEN_COST
from stages.lm.tokenizer import pad_id


@dataclass
class Meter:
    """`tokens` counted so far; padding is free."""

    tokens: int = 0


@contextmanager
def metered(tokenizer: PreTrainedTokenizerFast) -> Iterator[Meter]:
    """Within the block, count the tokens that enter any embedding of the tokenizer's vocabulary, padding left out.

    Smaller embeddings are not of tokens: GPT-2 has one of positions.
    """
    meter, filler, n_words = Meter(), pad_id(tokenizer), len(tokenizer)

    def count(module: nn.Module, inputs: tuple[object, ...]) -> None:
        is_of_tokens = isinstance(module, nn.Embedding) and module.weight.shape[0] >= n_words
        if is_of_tokens and inputs and isinstance(inputs[0], torch.Tensor):
            n_tokens = int((inputs[0] != filler).sum())
            meter.tokens += n_tokens * (TRAINED_TOKEN_COST if torch.is_grad_enabled() else 1)

    handle = nn.modules.module.register_module_forward_pre_hook(count)
    try:
        yield meter
    finally:
        handle.remove()
