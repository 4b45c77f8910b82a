"""What decides a part of a claim: tests from a mean and its error, and how many seeds would decide what they do not.

A part asks one question. Its test is two-sided, and Holm's correction runs over the parts of a claim; that a difference
is small enough to be none is a question of its own, and is corrected apart. Seeds are the unit everywhere.

The rules stand in docs/claims.md. Sources: Student's t; Welch 1947, Biometrika 34; Schuirmann
1987 (two one-sided tests); Clopper and Pearson 1934; Holm 1979, Scandinavian Journal of Statistics 6(2).
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from scipy import stats

from stages.scoring.statistics import CONFIDENCE, MIN_PAIRS, ROUNDING, holm

ALPHA = 1 - CONFIDENCE
RELEVANT = 0.10  # a difference of attacks that matters
MOST_SEEDS = 4096  # beyond it nobody trains
UNDECIDED, NOT_TESTABLE = "undecided", "not testable"


class Estimate(NamedTuple):
    """A mean over `n` seeds with its standard error, of so many degrees of freedom."""

    mean: float
    error: float
    freedom: float
    n: int

    def bounds(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """The t interval."""
        half = float(stats.t.ppf((1 + confidence) / 2, self.freedom)) * self.error if self.error else 0.0
        return self.mean - half, self.mean + half

    def with_seeds(self, n: int) -> "Estimate":
        """The same mean and spread, seen on `n` seeds."""
        return Estimate(self.mean, self.error * math.sqrt(self.n / n), self.freedom * (n - 1) / (self.n - 1), n)


def estimate(values: Sequence[float]) -> Estimate | None:
    """The mean of one value a seed; None of fewer than three, which may agree by chance."""
    n = len(values)
    if n < MIN_PAIRS:
        return None
    mean = math.fsum(values) / n
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    return Estimate(mean, _error(variance, n), n - 1, n)


def welch(first: Sequence[float], second: Sequence[float], unit: float = 1.0) -> Estimate | None:
    """The second mean minus the first, over `unit`, of groups that are not paired; None where one has under three."""
    one, two = estimate(first), estimate(second)
    if one is None or two is None:
        return None
    squares = one.error**2, two.error**2
    total = sum(squares)
    parts = squares[0] ** 2 / one.freedom + squares[1] ** 2 / two.freedom
    freedom = total**2 / parts if parts else one.freedom + two.freedom
    return Estimate((two.mean - one.mean) / unit, math.sqrt(total) / abs(unit), freedom, one.n + two.n)


def _error(variance: float, n: int) -> float:
    return math.sqrt(variance / n) if variance > ROUNDING**2 else 0.0


class Candidate(NamedTuple):
    """A p-value, and the verdict where it is small enough."""

    p_value: float
    verdict: str


class Candidates(NamedTuple):
    """The test of a part's question, and that of whether it is none where a difference can be."""

    main: Candidate
    none: Candidate | None = None


Rule = Callable[[Estimate], Candidates]


def p_other_than(seen: Estimate, value: float) -> float:
    """Two-sided p-value of the mean being `value`."""
    distance = abs(seen.mean - value)
    if not seen.error:
        return 1.0 if distance < ROUNDING else 0.0
    return float(2 * stats.t.sf(distance / seen.error, seen.freedom))


def p_within(seen: Estimate, low: float, high: float) -> float:
    """p-value of the mean lying within both bounds: the larger of two one-sided tests."""
    if not seen.error:
        return 0.0 if low < seen.mean < high else 1.0
    gaps = (seen.mean - low) / seen.error, (high - seen.mean) / seen.error
    return max(float(stats.t.sf(gap, seen.freedom)) for gap in gaps)


def against(value: float, above: str, below: str) -> Rule:
    """The mean lies above `value`, or below it."""
    return lambda seen: Candidates(Candidate(p_other_than(seen, value), above if seen.mean > value else below))


def difference(larger: str, smaller: str, none: str) -> Rule:
    """The mean lies above 0 or below, and matters; or it lies within what does not matter."""

    def test(seen: Estimate) -> Candidates:
        matters = abs(seen.mean) >= RELEVANT
        word = larger if seen.mean > 0 else smaller
        main = Candidate(p_other_than(seen, 0.0) if matters else 1.0, word)
        return Candidates(main, Candidate(p_within(seen, -RELEVANT, RELEVANT), none))

    return test


def fall(falls: str, none: str) -> Rule:
    """The mean lies below minus what matters; or it lies within what does not matter."""

    def test(seen: Estimate) -> Candidates:
        below = p_other_than(seen, -RELEVANT) if seen.mean < -RELEVANT else 1.0
        return Candidates(Candidate(below, falls), Candidate(p_within(seen, -RELEVANT, RELEVANT), none))

    return test


class ShareRule(NamedTuple):
    """Of so many seeds a share: above `low` it is `some`, below `high` it is `few`; both by exact bounds."""

    low: float
    high: float
    some: str
    few: str

    def test(self, k: int, n: int) -> Candidates:
        """Twice the smaller tail, as the bounds of the exact two-sided interval."""
        some = min(1.0, 2 * float(stats.binom.sf(k - 1, n, self.low)))
        few = min(1.0, 2 * float(stats.binom.cdf(k, n, self.high)))
        return Candidates(Candidate(some, self.some) if some <= few else Candidate(few, self.few))

    def seeds_needed(self, k: int, n: int, n_parts: int) -> int | None:
        """The least number of seeds at which this share would be decided; None beyond MOST_SEEDS."""
        counts = (m for m in range(n + 1, MOST_SEEDS + 1))
        return next((m for m in counts if self.test(round(k / n * m), m).main.p_value * n_parts <= ALPHA), None)


def seeds_needed(rule: Rule, seen: Estimate, n_parts: int) -> int | None:
    """The least number of seeds at which this mean and spread would be decided beside `n_parts`; None if none would.

    As if each part needed the strictest of Holm's levels. Found by halving: more seeds never decide less.
    """

    def decides(n: int) -> bool:
        tests = rule(seen.with_seeds(n))
        return any(test.p_value * n_parts <= ALPHA for test in tests if test)

    if not decides(MOST_SEEDS):
        return None
    least, most = seen.n, MOST_SEEDS
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if decides(middle) else (middle, most)
    return most


def verdicts(tests: Sequence[Candidates | None]) -> list[str]:
    """Of each part its verdict, after Holm over the parts that have a test; UNDECIDED where none is small enough."""
    found = [UNDECIDED] * len(tests)
    for pick in (lambda one: one.none, lambda one: one.main):  # what both would decide, the main one says
        asked = [(place, pick(one)) for place, one in enumerate(tests) if one is not None and pick(one) is not None]
        for (place, test), p_value in zip(asked, holm([test.p_value for _, test in asked if test]), strict=True):
            if test and p_value <= ALPHA:
                found[place] = test.verdict
    return found
