import math

import pytest

from stages.scoring.statistics import (
    compare,
    exact_share,
    holm,
    paired_p_value,
    ranks,
    ratio_interval,
    share_interval,
    t_interval,
    wilson_interval,
)


def test_t_interval_of_four_hand_worked_values():
    interval = t_interval([0.16, 0.26, 0.96, 0.30])
    assert interval is not None
    assert interval.mean == pytest.approx(0.42)
    # sd 0.3647, t(3) = 3.1824, half = 3.1824 * 0.3647 / 2
    assert interval.high - interval.mean == pytest.approx(0.5803, abs=1e-3)
    assert interval.n == 4


def test_unknown_values_are_left_out_and_nothing_known_is_none():
    interval = t_interval([None, 0.5])
    assert (interval.mean, interval.low, interval.n) == (0.5, None, 1)
    assert t_interval([None]) is None


def test_wilson_interval_of_no_hits_is_not_zero_wide():
    low, high = wilson_interval(0, 128)
    assert low == 0
    assert high == pytest.approx(0.0291, abs=1e-3)


def test_a_rate_over_no_trials_is_an_error():
    with pytest.raises(ValueError, match="unknown, not 0"):
        wilson_interval(0, 0)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_paired_p_value_of_equal_and_of_constantly_different_scores():
    assert paired_p_value([0.1, 0.2], [0.1, 0.2]) == 1
    assert paired_p_value([0.75, 0.7, 0.65, 0.6], [0.5, 0.45, 0.4, 0.35]) == 0
    assert paired_p_value([0.1], [0.9]) == 1


def test_a_share_within_its_bounds_keeps_the_t_interval():
    values = [0.4, 0.5, 0.6, 0.5]
    assert share_interval(values) == t_interval(values)


def test_where_t_leaves_the_unit_interval_the_share_is_taken_on_the_logits():
    values = [0.0, 0.0, 0.0, 0.4]
    t, share = t_interval(values), share_interval(values)
    assert t is not None and t.low is not None and t.low < 0
    assert share is not None and share.low is not None and share.high is not None
    # Mean 0.1, standard error 0.1: on the logits the half-width is 3.182446 * 0.1 / (0.1 * 0.9).
    half, centre = 3.182446 * 0.1 / 0.09, math.log(1 / 9)
    assert share.mean == t.mean == pytest.approx(0.1)
    assert share.low == pytest.approx(1 / (1 + math.exp(half - centre)), rel=1e-5)
    assert share.high == pytest.approx(1 / (1 + math.exp(-half - centre)), rel=1e-5)
    mirrored = share_interval([1 - value for value in values])
    assert mirrored is not None and mirrored.low == pytest.approx(1 - share.high)


def test_shares_that_are_all_zero_or_all_one_have_the_exact_interval_and_no_width_of_zero():
    none, every = share_interval([0.0] * 8), share_interval([1.0] * 8)
    # (1 - p)^8 = 0.025.
    assert none is not None and (none.low, none.high) == (0.0, pytest.approx(1 - 0.025 ** (1 / 8)))
    assert every is not None and (every.low, every.high) == (pytest.approx(0.025 ** (1 / 8)), 1.0)
    assert share_interval([1.0]) == t_interval([1.0])


def test_a_ratio_may_be_above_one_and_never_below_zero():
    above = [1.0, 1.1, 1.05]
    assert ratio_interval(above) == t_interval(above)
    low = ratio_interval([0.0, 0.0, 0.3])
    # Mean 0.1, standard error 0.1: the bounds are 0.1 over and times exp(4.302653).
    assert low is not None and low.low == pytest.approx(0.1 / math.exp(4.302653), rel=1e-5)
    assert low.high == pytest.approx(0.1 * math.exp(4.302653), rel=1e-5)
    same = ratio_interval([1.0] * 8)
    assert same is not None and (same.mean, same.low, same.high) == (1.0, 1.0, 1.0)


def test_a_share_of_models_has_the_clopper_pearson_interval():
    share = exact_share(0, 8)
    assert (share.k, share.n, share.low) == (0, 8, 0.0)
    assert share.high == pytest.approx(1 - 0.025 ** (1 / 8))


def test_rows_that_are_not_separated_share_a_rank_and_the_lowest_is_best():
    blocks = {
        "good": {s: 0.1 + 0.001 * s for s in range(8)},
        "also": {s: 0.1 + 0.001 * (7 - s) for s in range(8)},
        "bad": {s: 0.9 + 0.002 * s for s in range(8)},
    }
    pairs = compare(blocks)
    assert [(pair.first, pair.second, pair.is_separated) for pair in pairs] == [
        ("also", "bad", True),
        ("also", "good", False),
        ("bad", "good", True),
    ]
    assert pairs[2].difference is not None and pairs[2].difference.mean == pytest.approx(0.8035)
    assert ranks(blocks, pairs) == {"good": 1, "also": 1, "bad": 3}


def test_rows_are_compared_on_the_blocks_that_both_have():
    blocks = {"a": {0: 0.5, 1: 0.5, 2: 0.5, 3: 0.9}, "b": {0: 0.25, 1: 0.25, 2: 0.25}}
    (pair,) = compare(blocks)
    assert pair.difference is not None and (pair.difference.mean, pair.difference.n) == (0.25, 3)
    assert ranks(blocks, [pair]) == {"a": 2, "b": 1}
