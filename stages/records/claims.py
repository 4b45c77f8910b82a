"""Verdicts on the paper's claims: one file, `reports/claims.json`, that `judge_claims` writes and pages show."""

from dataclasses import dataclass

from stages.records.counts import Interval, SeedShare
from stages.records.results import TextKey, Version


@dataclass(frozen=True)
class Precondition:
    """What a part takes for granted, in a sentence with its figures, and whether it holds."""

    said: str
    holds: bool


@dataclass(frozen=True)
class Part:
    """One question of a claim, and its answer.

    `value` says what is taken of each seed; `values` are they, `interval` the 95% interval of their mean, in `unit`s,
    against `thresholds`. Where the question is one about a share of seeds, `share` has it. `p_value` is after Holm.
    `seeds_needed` would decide an undecided part; None where it is decided, or where no number that can be trained
    would. `reason` says why a part is not testable. `cells` are the results that it rests on.
    """

    name: str
    value: str
    verdict: str
    interval: Interval | None
    share: SeedShare | None
    thresholds: tuple[float, ...]
    p_value: float | None
    seeds_needed: int | None
    reason: str | None
    preconditions: tuple[Precondition, ...]
    values: dict[TextKey, float]
    left_out: dict[TextKey, str]
    cells: tuple[str, ...]


@dataclass(frozen=True)
class ClaimResult:
    """A finding of the paper, and the parts in which it was tested."""

    claim: str
    title: str
    source: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Claims:
    """The content of claims.json. `rules` is the hash of what was registered; see stages/claims/registration.py.

    `changed_because`: why rules differ from those that were registered before the run; None where they do not.
    """

    benchmark_version: Version
    rules: str
    changed_because: str | None
    claims: tuple[ClaimResult, ...]
