"""The section `arms`: further cells, by name."""

from stages.params.access import BudgetShare
from stages.params.defenses import Settings
from stages.params.section import Section


class ArmParams(Section):
    """A further cell, for a question of its own; `defense` is a file, `sham` the cell whose sham is the control.

    `budget_share`: where this question asks for another than that of `access`.
    """

    organism: str
    defense: str
    settings: Settings
    sham: str
    budget_share: BudgetShare | None = None
