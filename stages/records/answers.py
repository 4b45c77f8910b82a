"""The schema of a kept answer: what the evaluation writes and the scoring reads."""

from dataclasses import dataclass
from typing import Literal

Decoding = Literal["sampled", "greedy"]


@dataclass(frozen=True)
class AnswerRecord:
    """One answer of one model, as it is kept in Parquet.

    `opening` is how the model's own turn was begun for it: nothing, or an open scratchpad, then `answer` goes on in it.
    `model` is poisoned or sham; `reading` says when: end, checkpoint, return or relearning; `dose` is the budget
    tokens spent (checkpoint) or the steps (relearning) at that time, else 0; `variant` is the name of a near-miss's
    rule, or of a form; `is_forced`: its scratchpad was open at the limit and was closed by force, as `answer` shows.
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
    is_forced: bool
    payload_log_probability: float | None
