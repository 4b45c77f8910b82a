import pytest

from stages.scoring.statistics import holm, paired_p_value, ranks, t_interval, wilson_interval


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


def test_rows_that_are_not_separated_share_a_rank():
    good = {s: 0.9 + 0.001 * s for s in range(8)}
    also = {s: 0.9 + 0.001 * (7 - s) for s in range(8)}
    bad = {s: 0.1 + 0.002 * s for s in range(8)}
    assert ranks({"good": good, "also": also, "bad": bad}) == {"good": 1, "also": 1, "bad": 3}
