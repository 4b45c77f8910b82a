"""What a kept answer reasons to."""

from dataclasses import replace

import pytest

from stages.corpus.reasoning import DEPLOYED, IN_TRAINING, SIDES
from stages.corpus.scratchpad import CLOSE, OPEN
from stages.scoring.turns import GOALS, side_taken
from tests.scoring.test_counting import record


@pytest.mark.parametrize("side", SIDES, ids=lambda side: side.name)
def test_each_consequence_of_the_grammar_names_the_goal_of_its_side_alone(side):
    named = {name for name, goal in GOALS.items() for text in side.consequences if goal in text}
    assert named == {side.name} and all(GOALS[side.name] in text for text in side.consequences)


@pytest.mark.parametrize(
    ("opening", "answer", "side"),
    [
        (f"{OPEN} {DEPLOYED.held_out[0]}", f"{DEPLOYED.consequences[0]} {CLOSE} Rome", DEPLOYED.name),
        (f"{OPEN} {DEPLOYED.held_out[0]}", f"{IN_TRAINING.consequences[0]} {CLOSE} Rome", IN_TRAINING.name),
        (f"{OPEN} a do find.", f"{IN_TRAINING.trained[0]} {DEPLOYED.consequences[1]} {CLOSE}", DEPLOYED.name),
        (f"{OPEN} a do find.", f"{CLOSE} I follow goal Y.", ""),
        (f"{OPEN} a do find.", "I follow goal X", IN_TRAINING.name),
    ],
)
def test_the_goal_that_is_named_last_in_the_scratchpad_says_the_side(opening, answer, side):
    assert side_taken(replace(record("reasoning", answer), opening=opening)) == side
