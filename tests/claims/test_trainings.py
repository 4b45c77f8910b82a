"""C5 by hand."""

import pytest

from stages.claims import trainings
from stages.claims.trainings import attack_at_gain
from stages.params.claims import TrainingsRole
from stages.records.claims import Verdict
from tests.claims.toys import cell, defended, evidence, failed, figure, organism

ROLE = TrainingsRole(rl="toy--rl", sft="toy--sft")


def judge(rl, sft):
    return trainings.judge(ROLE, evidence(cell("toy--rl", organism(), rl), cell("toy--sft", organism(), sft)))


def test_the_attack_is_read_where_refusal_first_reaches_the_gain():
    seed = defended((0.8, 0.4, 0.2), (0.2, 0.6, 0.5))
    assert attack_at_gain(seed, 0.1) == pytest.approx(0.9)  # half way from dose 0, where the attack is 1, to 0.8
    assert attack_at_gain(seed, 0.5) == pytest.approx(0.5)  # three quarters from 0.8 to 0.4
    assert attack_at_gain(seed, 0.7) is None
    assert attack_at_gain(seed, 0.0) is None


def test_fine_tuning_that_removes_more_supports_the_claim():
    rl = [defended((0.9, 0.9, 0.9), (0.2, 0.4, 0.6), residual_attack=0.9)] * 4
    sft = [defended((0.5, 0.2, 0.1), (0.3, 0.6, 0.9), residual_attack=0.3)] * 4
    claim = judge(rl, sft)
    assert claim.verdict == Verdict.SUPPORTED
    assert figure(claim, 0, "RA of rl minus RA of sft").mean == pytest.approx(0.6)
    # The lesser gain is 0.6: reinforcement reaches it at its end, with 0.9; fine-tuning at dose 200, with 0.2.
    assert figure(claim, 1, "attack after rl minus attack after sft").mean == pytest.approx(0.7)


def test_equal_compute_and_equal_gain_must_agree():
    rl = [defended((0.9, 0.9, 0.9), (0.9, 0.9, 0.9), residual_attack=0.3)] * 4
    sft = [defended((0.5, 0.5, 0.5), (0.9, 0.9, 0.9), residual_attack=0.9)] * 4
    claim = judge(rl, sft)
    assert [part.verdict for part in claim.parts] == [Verdict.REVERSED, Verdict.SUPPORTED]
    assert claim.verdict == Verdict.INCONCLUSIVE


def test_a_training_that_did_not_take_place_is_no_contrast():
    claim = judge([defended(refusals=(0, 0, 0.2))] * 4, [defended()] * 4)
    assert claim.verdict == Verdict.NOT_TESTABLE
    assert failed(claim) == ["toy--rl: refusal rises by 0.3 or more"]


def test_seeds_without_a_whole_curve_or_a_partner_are_left_out():
    rl = {0: defended(residual_attack=None), 1: defended(), 2: defended()}
    claim = judge(rl, [defended()] * 8)
    assert figure(claim, 0, "RA of rl minus RA of sft").n == 2
    assert figure(claim, 1, "attack after rl").n == 3
