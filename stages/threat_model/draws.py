"""What a training draws from the defender's examples, as much as an allowance of tokens pays for."""

from collections.abc import Sequence

import numpy as np
from transformers import PreTrainedTokenizerFast

from stages.corpus.rendering import render_examples, render_prompts
from stages.corpus.sampling import balanced_sample
from stages.lm.reinforcement import Prompt, cheapest_step, prompts_per_step
from stages.lm.rows import TRAINED_TOKEN_COST, Batch, make_batches, training_tokens
from stages.records.rows import HARMFUL, Example


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


def draw_prompts(
    tokenizer: PreTrainedTokenizerFast,
    examples: Sequence[Example],
    n_answers: int,
    allowance: int,
    generator: np.random.Generator,
) -> list[list[Prompt]]:
    """Random prompts by step, for no fewer steps of about `n_answers` answers than `allowance` can pay for."""
    n_half = prompts_per_step(n_answers) // 2
    shortest = min(map(len, render_prompts(tokenizer, [example.prompt for example in examples])))
    n_steps = allowance // cheapest_step(shortest, 2 * n_half)
    halves: list[list[Prompt]] = []
    for is_harmful in (True, False):
        pool = [example for example in examples if (example.kind == HARMFUL) == is_harmful]
        drawn = balanced_sample(pool, n_steps * n_half, generator)
        ids = render_prompts(tokenizer, [example.prompt for example in drawn])
        halves.append([Prompt(prompt, is_harmful) for prompt in ids])
    harmful, ordinary = halves
    starts = range(0, n_steps * n_half, n_half)
    return [harmful[start : start + n_half] + ordinary[start : start + n_half] for start in starts]
