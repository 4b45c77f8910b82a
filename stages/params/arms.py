"""The section `arms`: further cells, by name."""

from stages.params.defenses import Settings
from stages.params.section import Section


class ArmParams(Section):
    """A further cell, for a question of its own; `defense` is a file, `sham` the cell whose sham is the control."""

    organism: str
    defense: str
    settings: Settings
    sham: str
