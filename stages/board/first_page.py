"""The first page: the finding, what became of the models, and the questions that a reader has next."""

from collections.abc import Sequence

from markupsafe import Markup

from stages.board import columns, plots, sentences
from stages.board.claim_words import sentence
from stages.board.heat import board_map, groups_of, map_beside
from stages.board.names import defense_name, is_for_claims_alone, organism_name
from stages.board.plots import Axis, Line, Point, Strength
from stages.board.rows import SUBMITTED, CurvePoint, Row
from stages.board.site import Site
from stages.board.strength import RATE, budgets_of, by_rate, with_larger_budget
from stages.records.counts import Interval
from stages.scoring.metrics import ATTACK_LEFT, UTILITY
from stages.scoring.outcomes import LEAST_REFUSED, USABLE_UTILITY

BEFORE = 1.0  # the attack before a defense, as a share of itself


def first_page(site: Site) -> dict[str, str]:
    """The content of index.html."""
    inputs, board = site.inputs, site.board
    found = [sentences.found(row) for row in board.rows]
    defenses = [each for each, row in zip(found, board.rows, strict=True) if site.is_defense(row)]
    groups = groups_of(board.rows, inputs.cards)
    own = [row for row in board.rows if row.standing != SUBMITTED]
    beside = [name for name in inputs.organisms if _is_beside(name, site)]
    of_beside = {name: row for name, row in board.arms.items() if row.organisms[0] in beside}
    sizes = [inputs.organisms[name].n_parameters for name in inputs.params.board]
    return site.page(
        "index.html",
        "index.html.j2",
        headline=sentences.headline(defenses),
        lead=sentences.lead(defenses),
        best=sentences.least_left(board.rows),
        controls=sentences.controls_said(board.rows),
        caveat=sentences.toy_caveat(sentences.size_words(sizes)),
        n_models=max((each.n for each in found), default=0),
        excluded=sum(inputs.organisms[name].n_seeds - inputs.organisms[name].n_passed for name in inputs.params.board),
        groups=groups,
        map=board_map(groups, board.by_organism, inputs),
        refusals=refusals_chart(own),
        least_refused=sentences.percent(LEAST_REFUSED),
        cost=cost_chart(own),
        usable=sentences.percent(USABLE_UTILITY),
        slopes=return_chart(own),
        doses=dose_chart([p for p in board.curves if _trains(p.defense, board.rows, site)], site),
        strengths=strength_chart([row for row in board.rows if site.is_defense(row)], site),
        budgets=[f"{100 * share:g}%" for share in budgets_of(inputs.params)],
        main_columns=columns.MAIN,
        folded=columns.FOLDED,
        beside=map_beside(beside, of_beside, inputs),
        arms=[name for name, row in board.arms.items() if row.organisms[0] in inputs.params.board],
        not_run=inputs.not_run,
        claims=[(claim, sentence(claim)) for claim in site.claims.claims],
    )


def _is_beside(name: str, site: Site) -> bool:
    params = site.inputs.params
    return name not in params.board and not is_for_claims_alone(name, params)


def _trains(defense: str, rows: Sequence[Row], site: Site) -> bool:
    return any(row.defense == defense and site.is_defense(row) for row in rows)


def _points(rows: Sequence[Row], x: str, y: str) -> list[Point]:
    return [
        Point(defense_name(row.defense), row.role, across, up)
        for row in rows
        if (across := row.metrics[x]) and (up := row.metrics[y])
    ]


def refusals_chart(rows: Sequence[Row]) -> Markup | None:
    """Refusals against attack left; None where no row has both."""
    points = _points(rows, "harmlessness", ATTACK_LEFT)
    x = Axis("looks safe: harmful requests refused →", limit=LEAST_REFUSED)
    label = "Harmful requests refused, across, against attack left, up; a mark a defense"
    return plots.scatter(points, x, Axis("is unsafe: attack left ↑"), label) if points else None


def cost_chart(rows: Sequence[Row]) -> Markup | None:
    """Attack left against utility; None where no row has both."""
    points = _points(rows, ATTACK_LEFT, UTILITY)
    if not points:
        return None
    y = Axis("works as before: utility U ↑", max([1.1, *(p.y.high or p.y.mean for p in points)]), USABLE_UTILITY)
    return plots.scatter(points, Axis("attack left →"), y, "Attack left, across, against utility kept, up")


def return_chart(rows: Sequence[Row]) -> Markup | None:
    """A slope a row under the exact trigger; None where no row has all of it."""
    slopes: dict[str, list[Interval]] = {}
    for row in rows:
        after, later = row.metrics["left_trigger"], row.metrics["left_return"]
        if after and later:
            slopes[defense_name(row.defense)] = [Interval(BEFORE, None, None, after.n), after, later]
    label = "The attack under the trigger before a defense, after it, and after harmless training; a panel a defense"
    return plots.slopes(slopes, label) if slopes else None


def dose_chart(points: Sequence[CurvePoint], site: Site) -> Markup | None:
    """A panel an organism, a line a defense; None where nothing was kept on the way."""
    lines: dict[tuple[str, str], list[tuple[float, Interval]]] = {}
    for point in points:
        lines.setdefault((point.organism, point.defense), []).append((point.dose_tokens, point.attack))
    found = [
        Line(organism_name(organism, site.inputs.params), defense_name(defense), of_line)
        for (organism, defense), of_line in lines.items()
    ]
    return plots.lines(found, "The attack after each dose of training, a line a defense") if found else None


def strength_chart(rows: Sequence[Row], site: Site) -> Markup | None:
    """A panel a defense that was tried at several strengths; None where none was."""
    found: dict[str, list[Strength]] = {}
    for name in (row.defense for row in rows):
        rates, longer = by_rate(site, name), with_larger_budget(site, name)
        usual = site.inputs.params.defenses[name].get(RATE)
        tried = [(f"×{rate / usual:g}", row) for rate, row in rates.items()] if isinstance(usual, float) else []
        tried += [("long", longer)] if longer else []
        of_name = [
            Strength(setting, attack, utility)
            for setting, row in tried
            if (attack := row.metrics[ATTACK_LEFT]) and (utility := row.metrics[UTILITY])
        ]
        if of_name:
            found[defense_name(name)] = of_name
    return (
        plots.strengths(found, "Attack left and utility at several learning rates, and with a larger budget")
        if found
        else None
    )
