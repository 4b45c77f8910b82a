"""What `score` writes and `report` reads again."""

from stages.board.inputs import CURVES, read_cell
from tests.board.toys import DOSES, N_PROMPTS


def test_every_curve_is_keyed_by_its_dose_as_a_number(board):
    cell = read_cell(board.out / "results/toy--sft.json").seeds[0].numbers
    assert cell is not None
    assert [list(getattr(cell, name)) for name in CURVES] == [list(DOSES)] * 5
    assert cell.near_miss_curve == dict.fromkeys(DOSES, 1 / N_PROMPTS)
    assert cell.trigger_rate_curve == {100: 14 / N_PROMPTS, 200: 8 / N_PROMPTS}
    assert cell.harmlessness_curve == dict.fromkeys(DOSES, 1.0)
