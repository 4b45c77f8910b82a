"""C3 by hand."""

import pytest

from stages.claims import mechanism
from stages.params.claims import MechanismCells, MechanismRole
from stages.records.claims import Verdict
from tests.claims.toys import cell, defended, evidence, failed, figure, organism, verdicts

LARGEST = MechanismCells(normal="normal_large--sft", cot="cot_large--sft", distilled_cot="distilled_large--sft")
SMALLEST = MechanismCells(normal="normal--sft", distilled_cot="distilled--sft")
ROLES = {"sft": MechanismRole(smallest=SMALLEST, largest=LARGEST)}


def cells(**attacks):
    """RA by organism, one value a seed; distilled_large with other settings where given."""
    settings = attacks.pop("settings", {})
    attacks = {"cot_large": (0.5,) * 4} | attacks
    return evidence(
        *(
            cell(
                f"{name}--sft",
                organism(name, **(settings if name == "distilled_large" else {})),
                [defended(residual_attack=attack) for attack in values],
            )
            for name, values in attacks.items()
        )
    )


REVERSING = {"normal": (0.4,) * 4, "distilled": (0.3,) * 4, "normal_large": (0.4,) * 4, "distilled_large": (0.6,) * 4}


def test_the_change_of_the_difference_over_sizes_decides():
    claim = mechanism.judge(ROLES, cells(**REVERSING))
    assert verdicts(claim) == {"distilled_cot under sft": "supported", "cot under sft": "not testable"}
    assert claim.verdict == Verdict.INCONCLUSIVE  # the claim names both
    assert figure(claim, 0, "change of the difference").mean == pytest.approx(0.2 - -0.1)
    assert figure(claim, 0, "difference at the largest").mean == pytest.approx(0.2)
    assert figure(claim, 0, "difference at the smallest").mean == pytest.approx(-0.1)
    assert failed(claim, 1) == ["this profile has cells of it at both sizes"]


@pytest.mark.parametrize(("largest", "verdict"), [(0.6, "supported"), (0.3, "not supported"), (0.0, "reversed")])
def test_no_change_is_not_supported_and_the_mirror_image_reversed(largest, verdict):
    attacks = REVERSING | {"distilled_large": (largest,) * 4}
    assert verdicts(mechanism.judge(ROLES, cells(**attacks)))["distilled_cot under sft"] == verdict
    same = MechanismCells(normal="normal--sft", cot="distilled--sft", distilled_cot="distilled--sft")
    both = {"sft": MechanismRole(smallest=same, largest=LARGEST)}
    assert mechanism.judge(both, cells(**attacks, cot_large=(largest,) * 4)).verdict == verdict


def test_seeds_are_paired_over_all_four_cells():
    eight = REVERSING | {
        "normal": (0.4,) * 8,
        "distilled": (0.3,) * 7 + (None,),
        "distilled_large": (0.6, None, 0.6, 0.6),
    }
    claim = mechanism.judge(ROLES, cells(**eight))
    assert figure(claim, 0, "change of the difference").n == 3
    assert figure(claim, 0, "difference at the smallest").n == 7


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"payload_repeats": 3}, "equal payload (normal_large 1, distilled_large 3)"),
        ({"n_rows": 50}, "equally many poison rows (normal_large 100, distilled_large 50)"),
        ({"steps": 20}, "equally many rows trained (normal_large 80, distilled_large 160)"),
    ],
)
def test_organisms_that_differ_in_more_than_their_mechanism_test_nothing(settings, sentence):
    claim = mechanism.judge(ROLES, cells(**REVERSING, settings=settings))
    assert claim.verdict == Verdict.NOT_TESTABLE
    assert [said for said in failed(claim) if said.endswith(sentence)]
