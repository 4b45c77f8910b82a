"""When a dose counts as reached: hand-worked batches, a trained token counting three."""

from stages.lm.doses import DoseGrid
from stages.lm.rows import TrainingRow


def batch(n_tokens: int) -> list[TrainingRow]:
    return [TrainingRow([0] * n_tokens, 1)]


def doses_kept(model, doses: list[int], n_tokens: list[int]) -> list[tuple[int, list[int]]]:
    """By step, the doses that a training on batches of so many tokens keeps."""
    kept: list[int] = []
    grid = DoseGrid(doses, lambda _, dose: kept.append(dose))
    found = []
    for step, keep in grid.steps([batch(n) for n in n_tokens], 0):
        del kept[:]
        keep(model)
        found.append((step, list(kept)))
    return found


def test_a_dose_is_kept_at_the_step_that_reaches_it(model):
    assert doses_kept(model, [30, 60], [5, 5, 10]) == [(2, [30]), (3, [60])]


def test_the_last_step_closes_a_dose_that_a_costly_batch_would_have_passed(model):
    # 60 of 80 tokens are spent: a batch as long as the first, 30, did not fit.
    assert doses_kept(model, [40, 80], [10, 5, 5]) == [(2, [40]), (3, [80])]


def test_a_training_of_a_part_of_the_budget_closes_no_dose_far_off(model):
    assert doses_kept(model, [40, 200], [10, 5, 5]) == [(2, [40])]
