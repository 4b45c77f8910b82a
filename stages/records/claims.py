"""The paper's claims, judged: what `judge_claims` writes to claims.json, and what its pages show."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from stages.records.counts import Interval

Schema = Literal[1]
SCHEMA_VERSION: Schema = 1
PARAMETERS = "parameters"  # the axis of sizes


class Verdict(StrEnum):
    """What the figures say of a claim."""

    SUPPORTED = "supported"
    NOT_SUPPORTED = "not supported"
    REVERSED = "reversed"
    INCONCLUSIVE = "inconclusive"
    NOT_TESTABLE = "not testable"
    DEPENDS_ON_THE_GATE = "depends on the gate"


@dataclass(frozen=True)
class Figure:
    """A mean over `n` seeds with its t interval; None and n 0 where no seed has a value."""

    name: str
    mean: float | None
    low: float | None
    high: float | None
    n: int

    @classmethod
    def of(cls, name: str, interval: Interval | None) -> "Figure":
        """The interval under a name."""
        return cls(name, None, None, None, 0) if interval is None else cls(name, **vars(interval))

    @property
    def interval(self) -> Interval | None:
        """The same without its name; None where it is unknown."""
        return None if self.mean is None else Interval(self.mean, self.low, self.high, self.n)


@dataclass(frozen=True)
class Precondition:
    """What must hold before a test says anything; `figure` is what was seen, None where it is unknown."""

    sentence: str
    holds: bool
    figure: float | None = None


@dataclass(frozen=True)
class Part:
    """One test of a claim; the first of its figures is the one that the verdict is read from."""

    name: str
    verdict: Verdict
    figures: tuple[Figure, ...]
    preconditions: tuple[Precondition, ...]


@dataclass(frozen=True)
class Point(Interval):
    """An interval at its place on an axis, or beside its name."""

    at: int | float | str


@dataclass(frozen=True)
class Drawing:
    """A figure to draw: lines over `axis` by their names, or, in a series without a name, one interval a name.

    `mark` is a place on the axis that the test reads.
    """

    title: str
    axis: str
    series: dict[str, tuple[Point, ...]]
    mark: float | None = None

    @property
    def is_log(self) -> bool:
        """Whether its places are powers of ten apart."""
        return self.axis == PARAMETERS


@dataclass(frozen=True)
class Claim:
    """One claim in words, how it is tested here, and its verdict.

    `phrase` is the verdict with the sizes that it holds at. `reason` says why there is nothing to test, None where
    there is.
    """

    id: str
    claim: str
    test: str
    verdict: Verdict
    phrase: str
    reason: str | None
    parts: tuple[Part, ...]
    drawings: tuple[Drawing, ...]


@dataclass(frozen=True)
class Claims:
    """The content of claims.json."""

    schema_version: Schema
    benchmark_version: str
    claims: tuple[Claim, ...]
