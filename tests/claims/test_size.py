"""C2 by hand: sizes of 10^5 and 10^6 parameters, so the slope is the difference of RA."""

import pytest

from stages.claims import size
from stages.params.claims import SizeRole
from stages.records.claims import Verdict
from stages.records.counts import Hits
from tests.claims.toys import cell, defended, evidence, failed, figure, organism
from tests.results import undefended

ROLES = {"rl": SizeRole(common=["small--rl", "large--rl"], tuned=["small--rl", "large--rl"])}


def scan(small, large, **before):
    organisms = organism("small"), organism("large", [undefended(**before)] * 4, n_parameters=1_000_000)
    return evidence(
        *(
            cell(f"{of.name}--rl", of, [defended(residual_attack=attack) for attack in attacks])
            for of, attacks in zip(organisms, (small, large), strict=True)
        )
    )


def test_the_slope_is_per_tenfold_and_paired_by_seed():
    claim = size.judge(ROLES, scan((0.1, 0.2, 0.3, 0.4), (0.5, 0.6, 0.7, 0.8)))
    assert claim.verdict == Verdict.SUPPORTED
    slope = figure(claim, 0, "slope")
    assert (slope.mean, slope.low, slope.n) == (pytest.approx(0.4), pytest.approx(0.4), 4)


def test_smaller_models_may_keep_it_better():
    assert size.judge(ROLES, scan((0.5,) * 4, (0.1, 0.1, 0.2, 0.2))).verdict == Verdict.REVERSED


def test_only_seeds_that_every_size_has_are_paired():
    claim = size.judge(ROLES, scan((0.1, 0.2, 0.3, 0.9, 0.9, 0.9), (0.5, 0.6, None, 0.8)))
    assert figure(claim, 0, "slope").n == 3  # seeds 0, 1 and 3


@pytest.mark.parametrize("before", [{"sham_shared_accuracy": Hits(94, 100)}, {"payload_log_odds": 5.1}])
def test_sizes_must_know_their_world_and_start_alike(before):
    claim = size.judge(ROLES, scan((0.1,) * 4, (0.5,) * 4, **before))
    assert claim.verdict == Verdict.NOT_TESTABLE
    assert len(failed(claim)) == 1
    fine = {"sham_shared_accuracy": Hits(95, 100), "payload_log_odds": 5.0}
    assert size.judge(ROLES, scan((0.1,) * 4, (0.5,) * 4, **fine)).verdict == Verdict.SUPPORTED


def test_common_and_tuned_rates_must_agree():
    roles = {"rl": SizeRole(common=["small--rl", "large--rl"])}
    claim = size.judge(roles, scan((0.1,) * 4, (0.5,) * 4))
    assert [part.verdict for part in claim.parts] == [Verdict.SUPPORTED, Verdict.NOT_TESTABLE]
    assert claim.verdict == Verdict.INCONCLUSIVE


def test_the_drawing_is_by_size():
    (drawing,) = size.judge(ROLES, scan((0.1,) * 4, (0.5,) * 4)).drawings
    points = drawing.series["rl, common learning rate"]
    assert {point.at: point.mean for point in points} == {100_000: pytest.approx(0.1), 1_000_000: pytest.approx(0.5)}
