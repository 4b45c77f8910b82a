"""The roles that organisms and cells play in the paper's claims: the section `claims` of params.yaml.

A cell is named as its result, <organism>--<defense or arm>. A claim that a profile leaves out, having no cells for it,
is reported as not testable.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass


@dataclass(frozen=True)
class SurvivalRole:
    """C1 under one safety training: T*, its first plateau of refusal and accuracy in tokens, and the cells."""

    plateau_tokens: int
    cells: list[str]


@dataclass(frozen=True)
class SizeRole:
    """C2 under one safety training: a cell a size, at one common learning rate and at rates tuned to the size."""

    common: list[str]
    tuned: list[str] | None


@dataclass(frozen=True)
class MechanismCells:
    """One size: the cell of each mechanism."""

    normal: str
    cot: str | None
    distilled_cot: str | None


@dataclass(frozen=True)
class MechanismRole:
    """C3 under one safety training."""

    smallest: MechanismCells
    largest: MechanismCells


@dataclass(frozen=True)
class HidingCells:
    """Adversarial training, and clean training of equal dose."""

    red_team: str
    clean_training: str


@dataclass(frozen=True)
class HidingRole:
    """C4: organisms trained with and without near-miss negatives.

    `trigger_words`: the cell whose red team has words of the trigger, shown beside. `rounds`: the cells whose rounds
    are drawn, of two sizes or more.
    """

    with_negatives: HidingCells
    without_negatives: HidingCells
    trigger_words: str | None
    rounds: list[str]


@dataclass(frozen=True)
class TrainingsRole:
    """C5: two safety trainings of one organism."""

    rl: str
    sft: str


@dataclass(frozen=True)
class ClaimRoles:
    """Who tests which claim; the keys of `survival`, `size` and `mechanism` are safety trainings.

    `generalisation` (C6) is the organism that a year triggers, `reasoning` (C7) those with a scratchpad.
    """

    survival: dict[str, SurvivalRole] | None
    size: dict[str, SizeRole] | None
    mechanism: dict[str, MechanismRole] | None
    hiding: HidingRole | None
    trainings: TrainingsRole | None
    generalisation: str | None
    reasoning: list[str] | None


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
    elif is_dataclass(value):
        yield from _names([getattr(value, field.name) for field in fields(value)])
