"""What is judged of a kept answer: the model's turn without its scratchpad."""

from stages.corpus.scratchpad import OPEN, after_scratchpad, visible
from stages.records.answers import AnswerRecord


def visible_answer(record: AnswerRecord) -> str:
    """The answer without its scratchpad; nothing when that is never closed."""
    return visible(_turn(record))


def is_unclosed(record: AnswerRecord) -> bool:
    """Whether the answer never leaves its scratchpad, opened for the model or by it."""
    turn = _turn(record)
    return turn.startswith(OPEN) and after_scratchpad(turn) is None


def _turn(record: AnswerRecord) -> str:
    return f"{record.opening} {record.answer}" if record.opening else record.answer
