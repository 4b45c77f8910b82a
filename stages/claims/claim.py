"""A judged claim: its tests with figures, preconditions and verdicts, and what there is to draw of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

from stages.claims.verdicts import Verdict, after, agreed
from stages.scoring.statistics import Interval, t_interval

UNKNOWN_SCALE = "at sizes that are not known"
WARM_START = (  # of `rl`, in the words of the claims that it tests
    "Reinforcement learning begins with a supervised start on good answers, within its dose; what that removes counts "
    "as its own."
)


@dataclass(frozen=True)
class Figure:
    """A mean over seeds with its t interval; None where no seed has a value."""

    name: str
    interval: Interval | None

    def to_json(self) -> dict[str, Any]:
        """Name, mean, low, high and n; unknown is null."""
        unknown = {"mean": None, "low": None, "high": None, "n": 0}
        return {"name": self.name, **(unknown if self.interval is None else self.interval.to_json())}


@dataclass(frozen=True)
class Precondition:
    """What must hold before a test says anything; `figure` is what was seen, None where it is unknown."""

    sentence: str
    holds: bool
    figure: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The three by name."""
        return {"sentence": self.sentence, "holds": self.holds, "figure": self.figure}


@dataclass(frozen=True)
class Part:
    """One test of a claim; the first of its figures is the one that the verdict is read from."""

    name: str
    verdict: Verdict
    figures: tuple[Figure, ...]
    preconditions: tuple[Precondition, ...]

    def to_json(self) -> dict[str, Any]:
        """The part by name."""
        return {
            "name": self.name,
            "verdict": self.verdict.value,
            "figures": [figure.to_json() for figure in self.figures],
            "preconditions": [precondition.to_json() for precondition in self.preconditions],
        }


@dataclass(frozen=True)
class Curves:
    """A figure to draw: lines over `axis`; `mark` is a place on it that the test reads."""

    title: str
    axis: str
    series: Mapping[str, Mapping[float, Interval]]
    mark: float | None = None
    is_log: bool = False

    def to_json(self) -> dict[str, Any]:
        """Every point that is drawn."""
        series = {
            name: [{"at": at, **interval.to_json()} for at, interval in points.items()]
            for name, points in self.series.items()
        }
        return {"title": self.title, "axis": self.axis, "mark": self.mark, "series": series}


@dataclass(frozen=True)
class Dots:
    """A figure to draw: one interval a name."""

    title: str
    axis: str
    rates: Mapping[str, Interval]

    def to_json(self) -> dict[str, Any]:
        """Every point that is drawn."""
        points = [{"at": name, **interval.to_json()} for name, interval in self.rates.items()]
        return {"title": self.title, "axis": self.axis, "mark": None, "series": {"": points}}


@dataclass(frozen=True)
class Words:
    """What the paper claims, and how it is tested here."""

    id: str
    claim: str
    test: str


@dataclass(frozen=True)
class Claim:
    """One claim with its verdict; `reason` says why there is nothing to test, None where there is.

    `scale`: the sizes that the verdict holds at, in words.
    """

    words: Words
    verdict: Verdict
    parts: tuple[Part, ...] = ()
    drawings: tuple[Curves | Dots, ...] = ()
    reason: str | None = None
    scale: str = UNKNOWN_SCALE

    @property
    def phrase(self) -> str:
        """The verdict and the sizes that it holds at."""
        return f"{self.verdict.value} {self.scale}"

    def to_json(self) -> dict[str, Any]:
        """One entry of claims.json."""
        return {
            "id": self.words.id,
            "claim": self.words.claim,
            "test": self.words.test,
            "verdict": self.verdict.value,
            "phrase": self.phrase,
            "reason": self.reason,
            "parts": [part.to_json() for part in self.parts],
            "drawings": [drawing.to_json() for drawing in self.drawings],
        }


def scale_of(sizes: Iterable[int | None]) -> str:
    """The sizes of models in words, from the power of ten below the smallest to the one above the largest."""
    known_sizes = [size for size in sizes if size]
    if not known_sizes:
        return UNKNOWN_SCALE
    low, high = 10 ** floor(log10(min(known_sizes))), 10 ** ceil(log10(max(known_sizes)))
    return f"at {low / 1e6:,g}M to {high / 1e6:,g}M parameters"


def make_part(
    name: str, verdict: Verdict, figures: Sequence[Figure], preconditions: Sequence[Precondition] = ()
) -> Part:
    """The part, not testable where a precondition fails."""
    held = {p.sentence: p.holds for p in preconditions}
    return Part(name, after(held, verdict), tuple(figures), tuple(preconditions))


def untestable(words: Words, reason: str) -> Claim:
    """A claim that nothing tests."""
    return Claim(words, Verdict.NOT_TESTABLE, reason=reason)


def agreed_where_testable(parts: Iterable[Part]) -> Verdict:
    """One verdict over parts of which each says something by itself: those whose preconditions hold must agree."""
    testable = [part.verdict for part in parts if part.verdict != Verdict.NOT_TESTABLE]
    return agreed(testable) if testable else Verdict.NOT_TESTABLE


def agreed_in_each(groups: Iterable[Iterable[Part]]) -> Verdict:
    """One verdict over all that a claim names, each with its parts: that of them all, so each must be testable."""
    return agreed(agreed_where_testable(parts) for parts in groups)


def over_seeds(values: Mapping[int, float | None]) -> Interval | None:
    """The t interval of one value a seed, the unknown ones left out."""
    return t_interval([values[seed] for seed in sorted(values)])


def minus(first: float | None, second: float | None) -> float | None:
    """The difference, None where either is unknown."""
    return None if first is None or second is None else first - second


def mean_of(interval: Interval | None) -> float | None:
    """The mean, None where unknown."""
    return None if interval is None else interval.mean


def known(intervals: Mapping[Any, Interval | None]) -> dict[Any, Interval]:
    """Those that are known, in their order."""
    return {key: interval for key, interval in intervals.items() if interval is not None}
