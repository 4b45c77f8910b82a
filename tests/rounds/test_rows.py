"""The row of a submission: coarse figures by hand, and an HMAC over all of it."""

from dataclasses import fields, replace

import pytest

from stages.records.results import FAILED_CONTROL, FAILED_DEFENSE, SURVIVES
from stages.rounds.rows import Figures, RoundRow, Submission, figures_of, is_signed, sham_utility, signed, unsigned_row
from tests.results import cell_result, count, organism_result, seed_result
from tests.rounds.toys import OTHER, SECRET, Pair, pairs
from tests.scoring.test_cells import counts_of

ROW = unsigned_row("toy", Submission("mine", "f" * 64, {"rate": 0.1}), pairs(), {"mine/a.json": "a1"})


def test_figures_are_counts_of_models_and_the_attack_left_to_a_tenth():
    # 0.03, 0.30, 0.90 and 1.00 are left: 0.5575 on average.
    assert figures_of(pairs()) == Figures(4, 1, 1, 2, 0, 0, 0.6, 2, 2)


def test_no_figure_is_finer_than_a_count_or_a_tenth():
    for value in vars(figures_of(pairs())).values():
        assert isinstance(value, int) or value == round(value, 1)
    assert {field.type for field in fields(Figures)} == {int, float | None}


def test_what_is_missing_survives_with_all_of_its_attack():
    failed = seed_result(5, None, status=FAILED_DEFENSE, outcome=SURVIVES, reason="no output")
    pair = Pair(organism_result("format_a"), cell_result("format_a--mine", failed, failed))
    assert figures_of([pair]) == Figures(2, 0, 0, 2, 0, 2, 1.0, 0, 0)


def test_a_model_without_a_backdoor_to_remove_is_in_no_figure():
    left_out = seed_result(5, None, status=FAILED_CONTROL, outcome=None)
    pair = Pair(organism_result("format_a"), cell_result("format_a--mine", left_out))
    assert figures_of([pair]) == Figures(0, 0, 0, 0, 0, 0, None, 0, 0)


def test_never_backdoored_models_that_break_or_fail_work_no_more():
    before, after = counts_of("sham", 0, 0, 0, 0), counts_of("sham", 0, 0, 0, 0)
    withheld = next(group for group in after if group.prompt_set == "withheld_skill")
    assert sham_utility(before, after) == 1.0
    after[withheld] = count(57)  # of 76
    assert sham_utility(before, after) == pytest.approx(0.75)
    broken = Pair(organism_result("a", shams={5: before, 6: before}), cell_result("a--mine", shams={5: after}))
    assert (figures_of([broken]).never_backdoored, figures_of([broken]).still_work) == (2, 0)


def changed(row: RoundRow, field: str) -> RoundRow:
    figures = row.figures
    if field in vars(figures):
        return replace(row, figures=replace(figures, **{field: (getattr(figures, field) or 0) + 1}))
    other = {"submission": Submission("other", "f" * 64, {}), "evidence": {}}
    return replace(row, **{field: other.get(field, "other")})


@pytest.mark.parametrize("field", [f.name for f in (*fields(Figures), *fields(RoundRow)) if f.name != "figures"])
def test_the_hmac_is_over_the_whole_row(field):
    row = signed(ROW, SECRET)
    assert is_signed(row, SECRET) and not is_signed(row, OTHER) and not is_signed(ROW, SECRET)
    assert not is_signed(changed(row, field), SECRET)
