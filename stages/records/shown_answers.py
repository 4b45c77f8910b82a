"""Real answers as pages show them: a few of each seed of an organism, undefended or in one cell."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ShownAnswer:
    """One answer to one prompt; `verdict` is one of the words of stages/scoring/shown_answers.py.

    `prompt_set` is the name of its set, or OWN_TURN; `expected` is the right answer where there is one.
    """

    seed: int
    prompt_set: str
    prompt: str
    expected: str
    answer: str
    verdict: str


ShownAnswers = tuple[ShownAnswer, ...]  # the content of reports/answers/<organism or cell>.json
