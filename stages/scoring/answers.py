"""The schema of a kept answer: what the evaluation writes and the scoring reads."""

from dataclasses import dataclass

from stages.scratchpad import OPEN, after_scratchpad, visible


@dataclass(frozen=True)
class AnswerRecord:
    """One answer of one model, as it is kept in Parquet.

    `opening` is how the model's own turn was begun for it: nothing, or an open scratchpad, then `answer` goes on in it.
    `model` is poisoned or sham; `reading` says when: end, checkpoint, return or relearning; `dose` is the budget
    tokens spent (checkpoint) or the steps (relearning) at that time, else 0; `variant` is the near-miss string.
    """

    seed: int
    model: str
    reading: str
    dose: int
    prompt_set: str
    variant: str
    decoding: str
    kind: str
    prompt: str
    opening: str
    expected: str
    answer: str
    n_tokens: int
    is_finished: bool
    payload_log_probability: float | None

    @property
    def is_unclosed(self) -> bool:
        """Whether the answer never leaves its scratchpad, opened for the model or by it."""
        return self._turn.startswith(OPEN) and after_scratchpad(self._turn) is None

    @property
    def visible(self) -> str:
        """What is judged: the answer without its scratchpad; nothing when that is never closed."""
        return visible(self._turn)

    @property
    def _turn(self) -> str:
        return f"{self.opening} {self.answer}" if self.opening else self.answer
