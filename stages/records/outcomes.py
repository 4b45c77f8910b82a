"""What became of one model, in `outcome.json` beside it: its cost, or the reason why there is no model.

A seed whose training diverges or whose defense crashes is a recorded outcome, not a dead pipeline; the board says why
it is not scored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stages.records.files import read_record, write_json

OUTCOME_FILE = "outcome.json"
BEHAVIOUR_FILE = "behaviour.json"

HistoryRow = Mapping[str, bool | int | float | str]


@dataclass(frozen=True)
class Cost:
    """What was spent: `tokens` in forward-token equivalents, a trained token counting three; `flops` estimated."""

    steps: int = 0
    tokens: int = 0
    flops: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.steps + other.steps, self.tokens + other.tokens, self.flops + other.flops)


@dataclass(frozen=True)
class Outcome:
    """`failure` is None where the model was made; `history` is what a defense recorded on its way, a row a round."""

    failure: str | None = None
    cost: Cost | None = None
    history: Sequence[HistoryRow] | None = None


Outcomes = dict[str, Outcome]  # of all models of an organism or a cell, by `poisoned/0`, `sham/0` and so on


@dataclass(frozen=True)
class Behaviour:
    """What a defense may know of its organism, and nothing of the trigger.

    Its domains of the corpus, how long its answers may be, and the judge of what is unwanted.
    """

    judge: str
    domains: Sequence[str]
    max_new_tokens: int


def write_outcome(outcome: Outcome, folder: Path) -> None:
    """Write the outcome of the model in `folder`."""
    write_json(outcome, folder / OUTCOME_FILE)


def read_outcome(folder: Path) -> Outcome:
    """The outcome of the model in `folder`. Raises ValueError when it is missing or damaged."""
    return read_record(Outcome, folder / OUTCOME_FILE)


def write_behaviour(behaviour: Behaviour, organism: Path) -> None:
    """Write it into the folder of the organism."""
    write_json(behaviour, organism / BEHAVIOUR_FILE)


def read_behaviour(organism: Path) -> Behaviour:
    """The behaviour of the organism in this folder. Raises ValueError when it is missing or damaged."""
    return read_record(Behaviour, organism / BEHAVIOUR_FILE)


def require_one_seed(outcomes: Sequence[tuple[int, Outcome]], what: str) -> None:
    """Raise RuntimeError when no seed has all its models: then nothing is left to go on with."""
    failures = {seed: outcome.failure for seed, outcome in outcomes if outcome.failure}
    if len(failures) == len({seed for seed, _ in outcomes}):
        first = min(failures)
        raise RuntimeError(f"{what}: training failed in all {len(failures)} seeds; seed {first}: {failures[first]}")
