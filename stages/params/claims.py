"""The section `claims`: the roles that organisms and cells play in the paper's claims.

A cell is named as its result, <organism>--<defense or arm>. A claim that a profile leaves out, having no cells for it,
is reported as not testable.
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, Field

from stages.params.section import Count, Section

Names = Annotated[list[str], Field(min_length=1)]


class SurvivalRole(Section):
    """C1 under one safety training: T*, its first plateau of refusal and accuracy in tokens, and the cells."""

    plateau_tokens: Count
    cells: Names


class SizeRole(Section):
    """C2 under one safety training: a cell a size, at one common learning rate and at rates tuned to the size."""

    common: Names
    tuned: Names | None = None


class MechanismCells(Section):
    """One size: the cell of each mechanism."""

    normal: str
    cot: str | None = None
    distilled_cot: str | None = None


class MechanismRole(Section):
    """C3 under one safety training."""

    smallest: MechanismCells
    largest: MechanismCells


class HidingCells(Section):
    """Adversarial training, and clean training of equal dose."""

    red_team: str
    clean_training: str


class HidingRole(Section):
    """C4: organisms trained with and without near-miss negatives.

    `trigger_words`: the cell whose red team has words of the trigger, shown beside. `rounds`: the cells whose rounds
    are drawn, of two sizes or more.
    """

    with_negatives: HidingCells
    without_negatives: HidingCells
    trigger_words: str | None = None
    rounds: Names


class TrainingsRole(Section):
    """C5: two safety trainings of one organism."""

    rl: str
    sft: str


class ClaimRoles(Section):
    """Who tests which claim; the keys of `survival`, `size` and `mechanism` are safety trainings.

    `generalisation` (C6) is the organism that a year triggers, `reasoning` (C7) those with a scratchpad.
    """

    survival: dict[str, SurvivalRole] | None = None
    size: dict[str, SizeRole] | None = None
    mechanism: dict[str, MechanismRole] | None = None
    hiding: HidingRole | None = None
    trainings: TrainingsRole | None = None
    generalisation: str | None = None
    reasoning: Names | None = None


def named_cells(roles: ClaimRoles) -> list[str]:
    """Every cell that some claim is judged by, each once."""
    sections = [roles.survival, roles.size, roles.mechanism, roles.hiding, roles.trainings]
    return list(dict.fromkeys(name for section in sections for name in _names(section)))


def named_organisms(roles: ClaimRoles) -> list[str]:
    """Every organism whose undefended answers judge a claim by themselves."""
    return list(dict.fromkeys([*_names(roles.generalisation), *_names(roles.reasoning)]))


def _names(value: object) -> Iterator[str]:
    """All strings in a tree of roles; keys of mappings are no names."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)
    elif isinstance(value, dict):
        yield from _names(list(value.values()))
    elif isinstance(value, BaseModel):
        yield from _names([role for _, role in value])
