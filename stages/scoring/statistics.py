"""Intervals and tests. The organism seed is the unit; answers of one model are pooled for that model only.

Sources: Wilson 1927 (through scipy); Student's t; Holm 1979, Scandinavian Journal of Statistics 6(2).
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from scipy import stats

from stages.records.counts import Interval

CONFIDENCE = 0.95
ROUNDING = 1e-9  # differences below are equal: rates are ratios of small counts


def t_interval(values: Sequence[float | None]) -> Interval | None:
    """Mean and 95% t interval of the known values, one value a seed; None when none is known."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    mean = math.fsum(known) / len(known)
    if len(known) == 1:
        return Interval(mean, None, None, 1)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(known) - 1)) * float(np.std(known, ddof=1)) / len(known) ** 0.5
    return Interval(mean, mean - half, mean + half, len(known))


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
    if len(differences) < 3:  # two differences may agree by chance
        return 1.0
    if max(differences) - min(differences) < ROUNDING:
        return 1.0 if abs(differences[0]) < ROUNDING else 0.0
    return float(stats.ttest_rel(first, second).pvalue)


def ranks(scores: Mapping[str, Mapping[int, float]], alpha: float = 1 - CONFIDENCE) -> dict[str, int]:
    """1 + the number of rows that are better by a Holm-adjusted paired test.

    `scores` maps a row's name to its score by seed, at least one; two rows are compared on the seeds they share.
    """
    pairs = list(combinations(sorted(scores), 2))
    p_values = []
    for first, second in pairs:
        seeds = sorted(set(scores[first]) & set(scores[second]))
        p_values.append(paired_p_value([scores[first][s] for s in seeds], [scores[second][s] for s in seeds]))
    means = {name: math.fsum(values.values()) / max(1, len(values)) for name, values in scores.items()}
    better = dict.fromkeys(scores, 0)
    for (first, second), p_value in zip(pairs, holm(p_values), strict=True):
        if p_value <= alpha:
            better[min((first, second), key=lambda name: means[name])] += 1
    return {name: 1 + n for name, n in better.items()}
