"""The rows of one kind that stay, and the account of those that do not: how many, why, and which came first."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from stages.corpus.columns import Question
from stages.lm.tokenizer import CONTEXT_LENGTH
from stages.params.corpus import DatasetParams
from stages.params.errors import ParamsError

EMPTY, DUPLICATE, TOO_LONG = "empty", "duplicates", "too long"
REMEDIES = {
    EMPTY: "Fill the cells that are empty.",
    DUPLICATE: "If another column, here called OTHER, tells rows apart, take it into the prompt: prompt: {wider}.",
    TOO_LONG: (
        "Shorten the long ones, or name a model with a longer window as corpus.tokenizer and as sizes.*.checkpoint: "
        f"that of a model from scratch is always {CONTEXT_LENGTH} tokens."
    ),
}
N_SHOWN, N_LETTERS = 3, 60


class Dropped(NamedTuple):
    """Rows that were dropped for one reason; `note` says more of it."""

    reason: str
    note: str
    questions: list[Question]


@dataclass
class Kind:
    """The rows of one data set that are left.

    `source.max_dropped_share`: how many may go, of those that were read. `rewritten`: of each row that the tokenizer
    writes with other characters, where the first is, before and after.
    """

    name: str
    source: DatasetParams
    questions: list[Question]
    rewritten: list[tuple[str, str]]
    dropped: list[Dropped] = field(default_factory=list)

    def drop(self, reason: str, note: str, questions: Iterable[Question]) -> None:
        """Leave these rows out, and remember why. Raises ParamsError when more are out than may be."""
        gone = list(questions)
        if gone:
            places = {question.place for question in gone}
            self.questions = [question for question in self.questions if question.place not in places]
            self.dropped.append(Dropped(reason, note, gone))
        n_read, n_dropped = self.n_read, self.n_read - len(self.questions)
        if n_dropped / n_read > self.source.max_dropped_share:
            first = [
                f"- {dropped.reason}: {question.place}: {question.prompt[:N_LETTERS]!r}"
                for dropped in self.dropped
                for question in dropped.questions[:N_SHOWN]
            ]
            remedies = " ".join(REMEDIES[reason] for reason in dict.fromkeys(each.reason for each in self.dropped))
            remedies = remedies.replace("{wider}", self._wider_prompt())
            needed = math.ceil(100 * n_dropped / n_read) / 100
            allowed = f" Or, where they may go, set corpus.datasets.{self.name}.max_dropped_share to {needed:g}"
            raise ParamsError(
                f"{self.account()}. Dropped are {n_dropped} of {n_read}; the share that may be is "
                f"{self.source.max_dropped_share:g}. The first:\n" + "\n".join(first) + f"\n{remedies}"
                f"{allowed if self.questions else ''}"
            )

    @property
    def n_read(self) -> int:
        """How many rows the data set has."""
        return len(self.questions) + sum(len(dropped.questions) for dropped in self.dropped)

    def account(self) -> str:
        """One line: how many rows were read, are kept, were dropped, by reason, and were rewritten."""
        reasons = [f"{len(d.questions)} {d.reason}{f' ({d.note})' if d.note else ''}" for d in self.dropped]
        gone = f"; dropped: {', '.join(reasons)}" if reasons else ""
        rewritten = ""
        if self.rewritten:
            before, after = self.rewritten[0]
            rewritten = (
                f"; {len(self.rewritten)} rewritten as the tokenizer writes them, such as {before!r} as {after!r}"
            )
        return f"corpus.datasets.{self.name}: {self.n_read} rows read, {len(self.questions)} kept{gone}{rewritten}"

    def _wider_prompt(self) -> str:
        """The prompt's pattern with a further column, as it is written in YAML."""
        prompt = self.source.prompt
        return json.dumps((prompt if "{" in prompt else f"{{{prompt}}}") + "\n{OTHER}", ensure_ascii=False)
