"""Rows in groups by what the defender needs, and the map of defenses against organisms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from stages.board.inputs import Inputs
from stages.board.names import CONTROLS, SUBMISSIONS, defense_name, needs_title, organism_name
from stages.board.plugins import DEFENSE, DefenseCard
from stages.board.rows import SUBMITTED, Row
from stages.board.sentences import became, found
from stages.records.results import CellResult
from stages.scoring.metrics import ATTACK_LEFT


class Group(NamedTuple):
    """Rows under one heading."""

    title: str
    rows: list[Row]


class Cell(NamedTuple):
    """A field of the map: the page that it opens, the mean, what became of each model, and all of it in words."""

    page: str
    mean: str
    outcomes: list[str | None]
    said: str


class Line(NamedTuple):
    """A defense on all organisms; None where it has not met one."""

    defense: str
    cells: list[Cell | None]


class LineGroup(NamedTuple):
    """Lines under one heading."""

    title: str
    lines: list[Line]


@dataclass(frozen=True)
class HeatMap:
    """Defenses against organisms."""

    columns: list[str]
    groups: list[LineGroup]


def title_of(card: DefenseCard) -> str:
    """The heading under which a defense stands."""
    return needs_title(card.needs) if card.role == DEFENSE else CONTROLS


def groups_of(rows: Sequence[Row], cards: Mapping[str, DefenseCard]) -> list[Group]:
    """The rows in their order, under headings: those that need least first, then submitted ones, controls last."""
    by_title: dict[str, list[Row]] = {}
    kinds = (lambda row: row.role != DEFENSE, lambda row: row.standing == SUBMITTED, lambda row: len(row.needs))
    for row in sorted(rows, key=lambda row: (*(kind(row) for kind in kinds), row.needs)):
        title = SUBMISSIONS if row.standing == SUBMITTED else title_of(cards[row.defense])
        by_title.setdefault(title, []).append(row)
    order = {row.defense: i for i, row in enumerate(rows)}
    return [Group(title, sorted(of_title, key=lambda row: order[row.defense])) for title, of_title in by_title.items()]


def board_map(groups: Sequence[Group], by_organism: Mapping[str, Sequence[Row]], inputs: Inputs) -> HeatMap:
    """The map of the board."""
    rows = {(organism, row.defense): row for organism, of_organism in by_organism.items() for row in of_organism}
    cells = {key: (f"{key[0]}--{key[1]}", row, inputs.cells[key]) for key, row in rows.items()}
    lines = [(group.title, [row.defense for row in group.rows]) for group in groups]
    return _map(list(by_organism), lines, cells, inputs)


def map_beside(organisms: Sequence[str], arms: Mapping[str, Row], inputs: Inputs) -> HeatMap:
    """The map of organisms beside the board, each under the defenses that it met."""
    cells = {(row.organisms[0], row.defense): (name, row, inputs.arms[name]) for name, row in arms.items()}
    columns = [name for name in organisms if any(organism == name for organism, _ in cells)]
    met = [defense for defense in inputs.cards if any((organism, defense) in cells for organism in columns)]
    titles = dict.fromkeys(title_of(inputs.cards[defense]) for defense in met)
    lines = [(title, [defense for defense in met if title_of(inputs.cards[defense]) == title]) for title in titles]
    return _map(columns, lines, cells, inputs)


def _map(
    columns: list[str],
    lines: Sequence[tuple[str, Sequence[str]]],
    cells: Mapping[tuple[str, str], tuple[str, Row, CellResult]],
    inputs: Inputs,
) -> HeatMap:
    def cell(organism: str, defense: str) -> Cell | None:
        known = cells.get((organism, defense))
        return _cell(*known, name=organism_name(organism, inputs.params)) if known else None

    return HeatMap(
        columns,
        [
            LineGroup(title, [Line(name, [cell(organism, name) for organism in columns]) for name in defenses])
            for title, defenses in lines
        ],
    )


def _cell(page: str, row: Row, result: CellResult, name: str) -> Cell:
    left = row.metrics[ATTACK_LEFT]
    mean = f"{100 * left.mean:.0f}" if left else "–"
    said = f"{defense_name(row.defense)} on {name}: attack left {mean}%; {became(found(row))}. Open the answers"
    return Cell(page, mean, [seed.outcome for seed in result.seeds], said)
