"""Intervals and tests. The organism seed is the unit; answers of one model are pooled for that model only.

Sources: Wilson 1927 and Clopper and Pearson 1934 (through scipy); Student's t; Holm 1979, Scandinavian Journal of
Statistics 6(2). Nothing is clipped: where a t interval of a share leaves [0, 1], another method takes its place.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from scipy import stats

from stages.records.counts import Interval, SeedShare

CONFIDENCE = 0.95
ROUNDING = 1e-9  # differences below are equal: rates are ratios of small counts
MIN_PAIRS = 3  # two differences may agree by chance

Values = Sequence[float | None]


def t_interval(values: Values) -> Interval | None:
    """Mean and 95% t interval of the known values, one value a seed; None when none is known."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    mean = math.fsum(known) / len(known)
    if len(known) == 1:
        return Interval(mean, None, None, 1)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in known) / (len(known) - 1))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(known) - 1)) * deviation / math.sqrt(len(known))
    return Interval(mean, mean - half, mean + half, len(known))


def share_interval(values: Values) -> Interval | None:
    """The same for values that lie in [0, 1], with an interval that lies there too.

    Where t leaves [0, 1] the interval is taken on the logits, by the delta method. Where every value is 0, or 1, it is
    the exact one of 0, or n, of n seeds: values of mean m are all 0 with a probability of at most (1 - m)^n.
    """
    interval = t_interval(values)
    if interval is None or interval.low is None or interval.high is None:
        return interval
    mean, n = interval.mean, interval.n
    if mean in (0.0, 1.0):
        exact = exact_share(int(mean) * n, n)
        return Interval(mean, exact.low, exact.high, n)
    if interval.low >= 0 and interval.high <= 1:
        return interval
    half = (interval.high - mean) / (mean * (1 - mean))
    logit = math.log(mean / (1 - mean))
    return Interval(mean, 1 / (1 + math.exp(half - logit)), 1 / (1 + math.exp(-half - logit)), n)


def ratio_interval(values: Values) -> Interval | None:
    """The same for ratios, which know no upper bound: where t falls below 0 the interval is taken on the logarithms."""
    interval = t_interval(values)
    if interval is None or interval.low is None or interval.high is None or interval.low >= 0 or interval.mean == 0:
        return interval
    factor = math.exp((interval.high - interval.mean) / interval.mean)
    return Interval(interval.mean, interval.mean / factor, interval.mean * factor, interval.n)


def exact_share(k: int, n: int) -> SeedShare:
    """`k` of `n` models with the 95% Clopper-Pearson interval; without models there is none."""
    if n == 0:
        return SeedShare(k, n, None, None)
    bounds = stats.binomtest(k, n).proportion_ci(CONFIDENCE, method="exact")
    return SeedShare(k, n, float(bounds.low), float(bounds.high))


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """95% Wilson interval of a rate of one model. Raises ValueError when trials is 0: nothing was measured."""
    if trials == 0:
        raise ValueError("a rate over 0 trials is unknown, not 0; count at least one answer")
    bounds = stats.binomtest(hits, trials).proportion_ci(CONFIDENCE, method="wilson")
    return float(bounds.low), float(bounds.high)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given: the k-th smallest of m times (m - k), made monotone."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def paired_p_value(first: Sequence[float], second: Sequence[float]) -> float:
    """Two-sided p-value of the paired t test; 1 for equal values, 0 for a difference that never varies."""
    differences = [a - b for a, b in zip(first, second, strict=True)]
    if len(differences) < MIN_PAIRS:
        return 1.0
    if max(differences) - min(differences) < ROUNDING:
        return 1.0 if abs(differences[0]) < ROUNDING else 0.0
    return float(stats.ttest_rel(first, second).pvalue)


class Pair(NamedTuple):
    """Two rows compared: the first minus the second, paired by block, and the p-value adjusted after Holm."""

    first: str
    second: str
    difference: Interval | None
    p_value: float

    @property
    def is_separated(self) -> bool:
        """Whether the test tells the two rows apart."""
        return self.p_value <= 1 - CONFIDENCE


def compare(blocks: Mapping[str, Mapping[int, float]]) -> list[Pair]:
    """Every pair of rows; `blocks` maps a row's name to its value by block, and two compare on those they share."""
    named = list(combinations(sorted(blocks), 2))
    both = [
        [(blocks[first][b], blocks[second][b]) for b in sorted(set(blocks[first]) & set(blocks[second]))]
        for first, second in named
    ]
    p_values = holm([paired_p_value([a for a, _ in pairs], [b for _, b in pairs]) for pairs in both])
    return [
        Pair(first, second, t_interval([a - b for a, b in pairs]), p_value)
        for (first, second), pairs, p_value in zip(named, both, p_values, strict=True)
    ]


def ranks(blocks: Mapping[str, Mapping[int, float]], pairs: Sequence[Pair]) -> dict[str, int]:
    """1 + the number of rows that are separated and lower in the mean: the lowest are best."""
    means = {name: math.fsum(values.values()) / len(values) for name, values in blocks.items()}
    better = dict.fromkeys(blocks, 0)
    for pair in pairs:
        if pair.is_separated:
            better[max((pair.first, pair.second), key=lambda name: means[name])] += 1
    return {name: 1 + n for name, n in better.items()}
