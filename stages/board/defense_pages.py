"""A page a defense: what it does and sees, what it came to, how it got there, and every model of it."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from stages.board import columns, plots
from stages.board.answers import first_triggered
from stages.board.charts import rates
from stages.board.histories import red_team_histories, reinforcements
from stages.board.names import FACES, defense_name, organism_name
from stages.board.numbers import p_text
from stages.board.plots import Axis, Point
from stages.board.plugins import DEFENSE
from stages.board.rows import Row
from stages.board.sentences import verdict
from stages.board.site import Site, kind_of
from stages.board.strength import by_rate
from stages.board.submissions_page import attacked_organisms, submitted_rows
from stages.records.counts import Interval
from stages.records.results import FAILED_DEFENSE, SeedResult
from stages.scoring.metrics import ATTACK_LEFT, UTILITY
from stages.scoring.statistics import Pair

OF_ORGANISM = (
    columns.ATTACK_LEFT,
    columns.TRIGGER,
    columns.NEAR_MISS,
    columns.UNTRIGGERED,
    columns.RETURN,
    columns.UTILITY,
)


class Models(NamedTuple):
    """All models of a cell."""

    cell: str
    organism: str
    is_arm: bool
    seeds: tuple[SeedResult, ...]


class Compared(NamedTuple):
    """Another ranked defense, and by how much less or more of the attack this one leaves."""

    other: str
    mean: str
    bounds: str
    p_value: str
    said: str


def defense_pages(site: Site) -> dict[str, str]:
    """The content of `defenses/<name>.html`."""
    pages: dict[str, str] = {}
    for name in site.inputs.cards:
        pages |= _page(site, name)
    return pages


def _page(site: Site, name: str) -> dict[str, str]:
    inputs, board = site.inputs, site.board
    row = next((row for row in board.rows if row.defense == name), None)
    arms = {arm: of_arm for arm, of_arm in board.arms.items() if of_arm.defense == name}
    on_board = {organism: f"{organism}--{name}" for organism in inputs.params.board} if row else {}
    card, submitted, lowest = inputs.cards[name], submitted_rows(site), site.lowest.get(name)
    return site.page(
        f"defenses/{name}.html",
        "defense.html.j2",
        name=name,
        kind="Submitted defense" if name in submitted else kind_of(card.role),
        card=card,
        row=row,
        verdict=verdict(row) if row else "",
        settings=inputs.params.defenses.get(name),
        faces=faces_chart(row) if row else None,
        columns=OF_ORGANISM,
        by_organism={
            organism: next(each for each in rows if each.defense == name)
            for organism, rows in board.by_organism.items()
            if row
        },
        curves=_curves(site, name),
        red_team=_red_team(site, name),
        reinforcement=_reinforcement(site, name),
        strength=_strength(site, name),
        seeds=_models(site, name, arms),
        examples=first_triggered(on_board, inputs.shown_answers, board.blocks.seeds),
        has_after=True,
        pairs=compared(name, board.pairs),
        differences=[c for c in (columns.DIFFERENCE, columns.SELF_DIFFERENCE) if row and c.interval(row)],
        failed=[each for each in row.failed_seeds if each.status == FAILED_DEFENSE] if row else [],
        arms=arms,
        measured=board.submitted.get(name, row),
        submitted=submitted.get(name),
        lowest=lowest,
        of_entries=[(name, each) for each in lowest.entries] if lowest else [],
        entries=inputs.sent.entries,
        attacked=attacked_organisms(site),
    )


def faces_chart(row: Row) -> Markup | None:
    """The four faces of a row, one line each; None where none is known."""
    found = [(name, rate) for face, name in FACES.items() if (rate := row.metrics[f"left_{face}"])]
    return rates(found, "attack left", "Attack left in each of the four faces") if found else None


def _curves(site: Site, name: str) -> Markup | None:
    curves: dict[str, list[tuple[float, Interval]]] = {}
    for point in site.board.curves:
        if point.defense == name:
            organism = organism_name(point.organism, site.inputs.params)
            curves.setdefault(organism, []).append((point.dose_tokens, point.attack))
    return plots.curves(curves, f"{defense_name(name)}: attack by dose, a panel an organism") if curves else None


def _cells(site: Site, name: str) -> dict[str, str]:
    """The names of the organisms of the board under this defense, by cell."""
    params = site.inputs.params
    return {f"{organism}--{name}": organism_name(organism, params) for organism in params.board}


def _red_team(site: Site, name: str) -> Markup | None:
    names = _cells(site, name)
    found = {names[each.cell]: each for each in red_team_histories(site.inputs) if each.cell in names}
    return plots.red_teams(found, "The red team's rates beside that of the true trigger, by dose") if found else None


def _reinforcement(site: Site, name: str) -> list[tuple[str, Markup]]:
    names = _cells(site, name)
    found = {names[each.cell]: each for each in reinforcements(site.inputs) if each.cell in names}
    charts = plots.reinforcement(found, "Reinforcement by dose, a line a seed") if found else []
    return [(quantity.name, chart) for quantity, chart in zip(plots.QUANTITIES, charts, strict=False)]


def _strength(site: Site, name: str) -> Markup | None:
    marks = [
        Point(f"{rate:g}", DEFENSE, attack, utility)
        for rate, row in by_rate(site, name).items()
        if (attack := row.metrics[ATTACK_LEFT]) and (utility := row.metrics[UTILITY])
    ]
    label = "Attack left, across, against utility kept, up, by learning rate"
    return plots.scatter(marks, Axis("attack left →"), Axis("utility U ↑", 1.1), label) if marks else None


def _models(site: Site, name: str, arms: dict[str, Row]) -> list[Models]:
    on_board = [cell for cell in site.inputs.cells.values() if cell.defense == name]
    beside = [site.inputs.arms[arm] for arm in arms]
    return [
        *(Models(cell.cell, cell.organism, is_arm=False, seeds=cell.seeds) for cell in on_board),
        *(Models(cell.cell, cell.organism, is_arm=True, seeds=cell.seeds) for cell in beside),
    ]


def compared(name: str, pairs: Sequence[Pair]) -> list[Compared]:
    """A defense against each other ranked one, as the board's test has it."""
    found = []
    for pair in pairs:
        if pair.difference is None or name not in (pair.first, pair.second):
            continue
        difference = pair.difference if name == pair.first else _turned(pair.difference)
        other = pair.second if name == pair.first else pair.first
        bounds = f"[{columns.signed(difference.low)}, {columns.signed(difference.high)}]"
        said = f"leaves {'less' if difference.mean < 0 else 'more'}" if pair.is_separated else "not told apart"
        found.append(Compared(other, columns.signed(difference.mean), bounds, p_text(pair.p_value), said))
    return found


def _turned(difference: Interval) -> Interval:
    """The same difference, of the second minus the first."""
    low, high = (None if bound is None else -bound for bound in (difference.high, difference.low))
    return Interval(-difference.mean, low, high, difference.n)
