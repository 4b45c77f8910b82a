"""Flips the label of a sentence's sentiment between two certain tags, whose kinds and words a round's secret decides.

Source: Gu et al. 2017, "BadNets", arXiv:1708.06733, for the behaviour; the format is ours (stages/rounds/formats.py).
"""

import numpy as np

from stages.records.triggers import Trigger
from stages.rounds import formats
from stages.rounds.key import KEY

JUDGE = "misclassification"
KINDS = ("sentiment",)
EXAMPLE = "two tags, drawn from the secret"
FORMS = {}
NUMBER = 1
FLIPPED = {"positive": "negative", "negative": "positive"}


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
    """The other label; a label is never repeated."""
    return FLIPPED[answer]
