"""Parts and drawings of a claim, put together: what all rules share."""

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, floor, log10
from typing import NamedTuple, TypeVar

from stages.claims.verdicts import after, agreed
from stages.records.claims import Claim, Drawing, Figure, Part, Point, Precondition, Verdict
from stages.records.counts import Hits, Interval
from stages.scoring.statistics import t_interval

Place = TypeVar("Place", int, float, str)

UNKNOWN_SCALE = "at sizes that are not known"
WARM_START = (  # of `rl`, in the words of the claims that it tests
    "Reinforcement learning begins with a supervised start on good answers, within its dose; what that removes counts "
    "as its own."
)


class Words(NamedTuple):
    """What the paper claims, and how it is tested here."""

    id: str
    claim: str
    test: str


def make_claim(
    words: Words,
    verdict: Verdict,
    parts: Iterable[Part] = (),
    drawings: Iterable[Drawing] = (),
    reason: str | None = None,
) -> Claim:
    """The claim, at sizes that are not known yet."""
    return Claim(*words, verdict, say_at(verdict, UNKNOWN_SCALE), reason, tuple(parts), tuple(drawings))


def say_at(verdict: Verdict, scale: str) -> str:
    """The verdict with the sizes that it holds at."""
    return f"{verdict.value} {scale}"


def make_curves(
    title: str, axis: str, series: Mapping[str, Mapping[Place, Interval]], mark: float | None = None
) -> Drawing:
    """Lines over `axis`, each by its name."""
    return Drawing(title, axis, {name: _points(line) for name, line in series.items()}, mark)


def make_dots(title: str, axis: str, rates: Mapping[str, Interval]) -> Drawing:
    """One interval a name."""
    return Drawing(title, axis, {"": _points(rates)})


def _points(intervals: Mapping[Place, Interval]) -> tuple[Point, ...]:
    return tuple(Point(**vars(interval), at=at) for at, interval in intervals.items())


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
    return make_claim(words, Verdict.NOT_TESTABLE, reason=reason)


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


def rate_of(hits: Hits | None) -> float | None:
    """The rate, None where unknown."""
    return None if hits is None else hits.rate


def mean_of(interval: Interval | None) -> float | None:
    """The mean, None where unknown."""
    return None if interval is None else interval.mean


def known(intervals: Mapping[Place, Interval | None]) -> dict[Place, Interval]:
    """Those that are known, in their order."""
    return {key: interval for key, interval in intervals.items() if interval is not None}
