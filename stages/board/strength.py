"""A training at several learning rates, and with a larger budget: arms that differ from the board in nothing else."""

from stages.board.rows import Row
from stages.board.site import Site
from stages.params.experiment import Experiment

RATE = "learning_rate"


def by_rate(site: Site, defense: str) -> dict[float, Row]:
    """Rows on one organism of the board by learning rate, rising, that of the board among them; empty without arms."""
    params, found = site.inputs.params, dict[float, Row]()
    usual = params.defenses.get(defense, {})
    for name, row in _arms(site, defense).items():
        arm = params.arms[name]
        rate, main = arm.settings.get(RATE), usual.get(RATE)
        is_alone = {**arm.settings, RATE: main} == usual and arm.budget_share is None
        if isinstance(rate, float) and isinstance(main, float) and is_alone:
            found |= {rate: row, main: _on_board(site, row.organisms[0], defense)}
    return dict(sorted(found.items()))


def with_larger_budget(site: Site, defense: str) -> Row | None:
    """The row of the arm that has the settings of the board and a larger budget; None where there is none."""
    params = site.inputs.params
    for name, row in _arms(site, defense).items():
        arm = params.arms[name]
        share = arm.budget_share or params.access.budget_share
        if share > params.access.budget_share and arm.settings == params.defenses.get(defense):
            return row
    return None


def budgets_of(params: Experiment) -> list[float]:
    """The budgets as shares of pretraining, that of the board first, then those that an arm has in its place."""
    return sorted({params.access.budget_share, *(arm.budget_share or 0 for arm in params.arms.values())} - {0})


def _arms(site: Site, defense: str) -> dict[str, Row]:
    """The arms of a defense on one organism, the first of the board that has any: two would not stand on one line."""
    rows = [(name, row) for name, row in site.board.arms.items() if row.defense == defense]
    for organism in site.inputs.params.board:
        if found := {name: row for name, row in rows if row.organisms[0] == organism}:
            return found
    return {}


def _on_board(site: Site, organism: str, defense: str) -> Row:
    return next(row for row in site.board.by_organism[organism] if row.defense == defense)
