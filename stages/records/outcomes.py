"""What became of one model, in `outcome.json` beside it: its cost, or the reason why there is no model.

A seed whose training diverges or whose defense crashes is a recorded outcome, not a dead pipeline; the board says why
it is not scored.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from stages.records.files import REPRODUCE, write_json

OUTCOME_FILE = "outcome.json"
BEHAVIOUR_FILE = "behaviour.json"


Kept = TypeVar("Kept")


class Outcome(NamedTuple):
    """`failure` is None where the model was made; `cost` is steps, tokens and FLOPs by name, where they are counted.

    `history` is what a defense recorded on its way, one dict a round.
    """

    failure: str | None = None
    cost: Mapping[str, int] | None = None
    history: Sequence[Mapping[str, float | int | str]] | None = None


def write_outcome(outcome: Outcome, folder: Path) -> None:
    """Write the outcome of the model in `folder`."""
    write_json(outcome._asdict(), folder / OUTCOME_FILE)


class Behaviour(NamedTuple):
    """What a defense may know of its organism, and nothing of the trigger.

    Its domains of the corpus, how long its answers may be, and the judge of what is unwanted.
    """

    judge: str
    domains: Sequence[str]
    max_new_tokens: int


def write_behaviour(behaviour: Behaviour, organism: Path) -> None:
    """Write it into the folder of the organism."""
    write_json(behaviour._asdict(), organism / BEHAVIOUR_FILE)


def read_behaviour(organism: Path) -> Behaviour:
    """The behaviour of the organism in this folder. Raises ValueError when it is missing or damaged."""
    return _read(Behaviour, organism / BEHAVIOUR_FILE)


def read_outcome(folder: Path) -> Outcome:
    """The outcome of the model in `folder`. Raises ValueError when it is missing or damaged."""
    return _read(Outcome, folder / OUTCOME_FILE)


def _read(kind: type[Kept], path: Path) -> Kept:
    try:
        return kind(**json.loads(path.read_text()))
    except (OSError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is not a readable {kind.__name__.lower()} ({error}); {REPRODUCE}") from error


def require_one_seed(outcomes: Sequence[tuple[int, Outcome]], what: str) -> None:
    """Raise RuntimeError when no seed has all its models: then nothing is left to go on with."""
    failures = {seed: outcome.failure for seed, outcome in outcomes if outcome.failure}
    if len(failures) == len({seed for seed, _ in outcomes}):
        first = min(failures)
        raise RuntimeError(f"{what}: training failed in all {len(failures)} seeds; seed {first}: {failures[first]}")
