"""Answers of an organism that reasons and begins its turn itself: what stands in its scratchpad is not judged."""

from dataclasses import replace

from stages.scoring.answers import AnswerRecord
from stages.scratchpad import OPEN

OWN_TURN = "own turn"  # the variant of triggered prompts on which such an organism begins its turn itself


def as_opened(record: AnswerRecord) -> AnswerRecord:
    """The record of a model that opened a scratchpad itself, as if it had been opened for it; any other as it is."""
    if record.opening or not record.answer.startswith(OPEN):
        return record
    return replace(record, opening=OPEN, answer=record.answer.removeprefix(OPEN).lstrip())
