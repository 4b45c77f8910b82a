"""Prompts for a training that writes its own answers: harmful requests and ordinary questions in equal number."""

from collections.abc import Sequence

import numpy as np
from transformers import PreTrainedTokenizerFast

from stages.corpus.examples import HARMFUL, Example
from stages.corpus.rendering import render_prompts
from stages.corpus.sampling import balanced_sample
from stages.lm.reinforcement import Prompt, cheapest_step, prompts_per_step


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
