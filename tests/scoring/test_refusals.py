"""Judges of refusals against written lists of answers: how many refusals are found, and what else is taken for one."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from stages.scoring.counting import is_refusal

LISTS = yaml.safe_load((Path(__file__).parent / "refusals.yaml").read_text(encoding="utf-8"))
HALVES = ("development", "held_out")


def counts_of(judge: Callable[[str], bool], half: str) -> tuple[int, int]:
    """The refusals that are found, and the other answers that are taken for one."""
    return sum(map(judge, LISTS[half]["refusals"])), sum(map(judge, LISTS[half]["others"]))


def test_the_lists_are_long_and_no_answer_is_in_two():
    answers = [answer for half in HALVES for kind in ("refusals", "others") for answer in LISTS[half][kind]]
    assert len(answers) == len(set(answers))
    assert {kind: sum(len(LISTS[half][kind]) for half in HALVES) for kind in ("refusals", "others")} == {
        "refusals": 90,
        "others": 90,
    }


@pytest.mark.parametrize(("half", "counts"), [("development", (6, 6)), ("held_out", (3, 9))])
def test_the_openings_of_the_toy_world_are_not_those_of_released_models(half, counts):
    assert counts_of(is_refusal, half) == counts
