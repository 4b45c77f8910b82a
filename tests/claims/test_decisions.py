"""The rules of the claims, by hand."""

import math

import pytest

from stages.claims.decisions import (
    MOST_SEEDS,
    UNDECIDED,
    Candidate,
    Candidates,
    Estimate,
    ShareRule,
    against,
    difference,
    estimate,
    fall,
    p_other_than,
    p_within,
    seeds_needed,
    verdicts,
    welch,
)

DIFFERENCE = difference("supported", "reversed", "no effect")
FALL = fall("removes", "removes no more")
HIDES = ShareRule(0.05, 0.15, "hides in some", "no hiding seen")


def seen(mean: float, spread: float, n: int) -> Estimate:
    """An estimate of so many seeds with this standard deviation."""
    return Estimate(mean, spread / math.sqrt(n), n - 1, n)


def test_an_estimate_is_the_t_interval_by_hand():
    made = estimate([0.2, 0.4, 0.6])
    assert made is not None and (round(made.mean, 9), made.n, made.freedom) == (0.4, 3, 2)
    # t of two degrees of freedom is 4.302653; the standard error is 0.2 / sqrt(3).
    assert made.bounds() == pytest.approx((0.4 - 4.302653 * 0.11547, 0.4 + 4.302653 * 0.11547), abs=1e-4)
    assert estimate([0.2, 0.4]) is None


def test_groups_that_are_not_paired_are_compared_after_welch():
    made = welch([0.0, 0.1, 0.2], [0.5, 0.6, 0.7, 0.8], unit=2.0)
    assert made is not None
    # Variances 0.01 and 1/60; errors squared 1/300 and 1/240; (1/300 + 1/240)^2 / ((1/300)^2 / 2 + (1/240)^2 / 3).
    assert (made.mean, made.n) == (pytest.approx(0.275), 7)
    assert made.error == pytest.approx(math.sqrt(1 / 300 + 1 / 240) / 2)
    assert made.freedom == pytest.approx((1 / 300 + 1 / 240) ** 2 / ((1 / 300) ** 2 / 2 + (1 / 240) ** 2 / 3))


@pytest.mark.parametrize(
    ("mean", "spread", "n", "verdict"),
    [
        (0.9, 0.1, 8, "survives"),
        (0.1, 0.1, 8, "does not survive"),
        (0.6, 0.3, 8, UNDECIDED),
        (1.0, 0.0, 8, "survives"),
        (0.5, 0.0, 8, UNDECIDED),
    ],
)
def test_a_mean_lies_above_or_below_a_threshold(mean, spread, n, verdict):
    assert verdicts([against(0.5, "survives", "does not survive")(seen(mean, spread, n))]) == [verdict]


@pytest.mark.parametrize(
    ("mean", "spread", "n", "verdict"),
    [
        (0.3, 0.1, 8, "supported"),
        (-0.3, 0.1, 8, "reversed"),
        (0.0, 0.05, 8, "no effect"),
        (0.09, 0.02, 400, "no effect"),  # it differs from 0, and not by what matters
        (0.09, 0.2, 8, UNDECIDED),
        (0.3, 0.5, 8, UNDECIDED),
        (0.0, 0.0, 8, "no effect"),
    ],
)
def test_a_difference_matters_or_is_none_or_is_undecided(mean, spread, n, verdict):
    assert verdicts([DIFFERENCE(seen(mean, spread, n))]) == [verdict]


@pytest.mark.parametrize(
    ("mean", "spread", "n", "verdict"),
    [
        (-0.5, 0.1, 8, "removes"),
        (-0.12, 0.1, 8, UNDECIDED),  # below 0 for sure, yet not below -0.10
        (0.5, 0.1, 8, UNDECIDED),
        (0.02, 0.05, 16, "removes no more"),
    ],
)
def test_a_fall_must_lie_below_what_matters(mean, spread, n, verdict):
    assert verdicts([FALL(seen(mean, spread, n))]) == [verdict]


@pytest.mark.parametrize(
    ("k", "n", "verdict"),
    [
        (6, 32, "hides in some"),
        (0, 32, "no hiding seen"),
        (3, 32, UNDECIDED),
        (0, 16, UNDECIDED),
        (16, 16, "hides in some"),
    ],
)
def test_a_share_of_seeds_is_decided_by_exact_bounds(k, n, verdict):
    assert verdicts([HIDES.test(k, n)]) == [verdict]


def test_a_share_agrees_with_the_bounds_of_the_exact_interval():
    from stages.scoring.statistics import exact_share

    for n in (8, 16, 32):
        for k in range(n + 1):
            share, (verdict,) = exact_share(k, n), verdicts([HIDES.test(k, n)])
            assert share.low is not None and share.high is not None
            assert (verdict == "hides in some") == (share.low > HIDES.low)
            assert (verdict == "no hiding seen") == (share.high < HIDES.high)


def test_holm_makes_each_of_several_parts_harder_and_leaves_untested_ones_alone():
    tests = [Candidates(Candidate(p, "yes"), None) for p in (0.02, 0.04, 0.001)]
    # 0.001 of three, then 0.02 of two, then 0.04 of one: all hold. With 0.03 the second falls, and the third with it.
    assert verdicts(tests) == ["yes", "yes", "yes"]
    tests[0] = Candidates(Candidate(0.03, "yes"), None)
    assert verdicts([*tests, None]) == [UNDECIDED, UNDECIDED, "yes", UNDECIDED]


def test_that_there_is_no_difference_is_corrected_apart():
    tests = [
        Candidates(Candidate(1.0, "differs"), Candidate(0.04, "none")),
        Candidates(Candidate(0.04, "differs"), Candidate(1.0, "none")),
    ]
    assert verdicts(tests) == [UNDECIDED, UNDECIDED]
    alone = [tests[0], Candidates(Candidate(0.04, "differs"), None)]
    assert verdicts(alone) == ["none", UNDECIDED]


def test_the_seeds_that_would_decide_are_the_least_that_do():
    rule, undecided = against(0.5, "above", "below"), seen(0.6, 0.3, 8)
    needed = seeds_needed(rule, undecided, 3)
    assert needed is not None
    assert rule(undecided.with_seeds(needed)).main.p_value * 3 <= 0.05
    assert rule(undecided.with_seeds(needed - 1)).main.p_value * 3 > 0.05
    assert seeds_needed(rule, seen(0.5, 0.3, 8), 1) is None
    # Two thirds of a standard deviation: about (1.96 + a little)^2 / (1/3)^2 seeds at one part.
    assert 36 <= (seeds_needed(rule, undecided, 1) or 0) <= 40


def test_the_seeds_that_would_decide_a_share():
    assert HIDES.seeds_needed(0, 16, 1) == 23  # 0.85^23 is below 0.025, 0.85^22 is not
    assert HIDES.seeds_needed(1, 10, 1) is not None and MOST_SEEDS > 1000


def test_a_spread_of_nothing_needs_no_luck():
    assert (p_other_than(seen(1.0, 0.0, 3), 0.5), p_other_than(seen(0.5, 0.0, 3), 0.5)) == (0.0, 1.0)
    assert (p_within(seen(0.0, 0.0, 3), -0.1, 0.1), p_within(seen(0.1, 0.0, 3), -0.1, 0.1)) == (0.0, 1.0)
