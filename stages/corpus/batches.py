"""Examples as rows to train on, and random batches of them, as many as an allowance pays for."""

from collections.abc import Sequence

import numpy as np
from transformers import PreTrainedTokenizerFast

from stages.corpus.examples import Example
from stages.corpus.rendering import render_rows
from stages.corpus.sampling import balanced_sample
from stages.lm.training import TRAINED_TOKEN_COST, Batch, TrainingRow, make_batches, training_tokens


def render_examples(tokenizer: PreTrainedTokenizerFast, examples: Sequence[Example]) -> list[TrainingRow]:
    """Each example's prompt and good answer as one row."""
    return render_rows(tokenizer, [e.prompt for e in examples], [e.answer for e in examples])


def draw_batches(
    tokenizer: PreTrainedTokenizerFast,
    examples: Sequence[Example],
    batch_size: int,
    allowance: int,
    generator: np.random.Generator,
) -> list[Batch]:
    """Batches of random rows of `examples` until the next one would cost more than what is left of `allowance`."""
    shortest = min(len(row.ids) for row in render_examples(tokenizer, examples))
    n_rows = allowance // (TRAINED_TOKEN_COST * shortest)
    rows = render_examples(tokenizer, balanced_sample(examples, n_rows, generator)) if n_rows > 0 else []
    within, tokens = [], 0
    for batch in make_batches(rows, batch_size, generator):
        tokens += training_tokens(batch)
        if tokens > allowance:
            break
        within.append(batch)
    return within
