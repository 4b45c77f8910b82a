"""What `score` writes and `report` reads again."""

from dataclasses import fields

from stages.records.files import read_record
from stages.records.results import CellResult, CellSeed
from tests.board.toys import DOSES, N_PROMPTS


def test_every_curve_is_keyed_by_its_dose_as_a_number(board):
    cell = read_record(CellResult, board.out / "results/toy--sft.json").seeds[0].numbers
    assert cell is not None
    curves = [getattr(cell, field.name) for field in fields(CellSeed) if field.name.endswith("curve")]
    assert [list(curve) for curve in curves] == [list(DOSES)] * 3
    assert cell.trigger_rate_curve == {100: 14 / N_PROMPTS, 200: 8 / N_PROMPTS}
    assert cell.harmlessness_curve == dict.fromkeys(DOSES, 1.0)
