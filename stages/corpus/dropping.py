"""The rows of one kind that stay, and the account of those that do not: how many, why, and which came first."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from stages.corpus.columns import Question
from stages.params.errors import ParamsError

EMPTY, DUPLICATE, TOO_LONG = "empty", "duplicates", "too long"
REMEDIES = {
    EMPTY: "Fill the cells that are empty.",
    DUPLICATE: r'If another column tells rows apart, take both into the prompt: prompt: "{instruction}\n{input}".',
    TOO_LONG: "Shorten the long ones, or take a model with a longer window.",
}
N_SHOWN, N_LETTERS = 3, 60


class Dropped(NamedTuple):
    """Rows that were dropped for one reason; `note` says more of it."""

    reason: str
    note: str
    questions: list[Question]


@dataclass
class Kind:
    """The rows of one data set that are left. `max_dropped_share`: how many may go, of those that were read."""

    name: str
    max_dropped_share: float
    questions: list[Question]
    dropped: list[Dropped] = field(default_factory=list)

    def drop(self, reason: str, note: str, questions: Iterable[Question]) -> None:
        """Leave these rows out, and remember why. Raises ParamsError when more are out than may be."""
        gone = list(questions)
        if gone:
            places = {question.place for question in gone}
            self.questions = [question for question in self.questions if question.place not in places]
            self.dropped.append(Dropped(reason, note, gone))
        n_read, n_dropped = self.n_read, self.n_read - len(self.questions)
        if n_dropped / n_read > self.max_dropped_share:
            first = [
                f"- {dropped.reason}: {question.place}: {question.prompt[:N_LETTERS]!r}"
                for dropped in self.dropped
                for question in dropped.questions[:N_SHOWN]
            ]
            remedies = " ".join(REMEDIES[reason] for reason in dict.fromkeys(each.reason for each in self.dropped))
            needed = math.ceil(100 * n_dropped / n_read) / 100
            allowed = f" Or, where they may go, set corpus.datasets.{self.name}.max_dropped_share to {needed:g}"
            raise ParamsError(
                f"{self.account()}. Dropped are {n_dropped} of {n_read}; the share that may be is "
                f"{self.max_dropped_share:g}. The first:\n" + "\n".join(first) + f"\n{remedies}"
                f"{allowed if self.questions else ''}"
            )

    @property
    def n_read(self) -> int:
        """How many rows the data set has."""
        return len(self.questions) + sum(len(dropped.questions) for dropped in self.dropped)

    def account(self) -> str:
        """One line: how many rows were read, are kept, and were dropped, by reason."""
        reasons = [f"{len(d.questions)} {d.reason}{f' ({d.note})' if d.note else ''}" for d in self.dropped]
        gone = f"; dropped: {', '.join(reasons)}" if reasons else ""
        return f"corpus.datasets.{self.name}: {self.n_read} rows read, {len(self.questions)} kept{gone}"
