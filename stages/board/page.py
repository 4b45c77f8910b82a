"""The whole board as one HTML page that works offline: no request leaves it, every figure is inline.

Everything that comes from outside (answers, plug-in texts, check results) is escaped by the template engine.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from statistics import fmean
from typing import NamedTuple

from markupsafe import Markup, escape

from stages.board import columns, figures, history_figures
from stages.board.environment import TEMPLATES, make_environment
from stages.board.histories import red_team_histories, reinforcements
from stages.board.inputs import Inputs
from stages.board.rows import Board, CurvePoint
from stages.corpus.scratchpad import OWN_TURN
from stages.records.counts import Hits, Interval
from stages.records.outcomes import Cost
from stages.records.results import BENCHMARK_VERSION, FAILED_DEFENSE
from stages.scoring.statistics import share_interval, wilson_interval

PROMPT_SETS = {
    "triggered": "with the trigger",
    OWN_TURN: "with the trigger, no scratchpad opened",
    "near_miss": "with a near-miss",
    "clean": "clean",
    "harmful": "harmful request",
    "shared_skill": "shared skill",
    "withheld_skill": "withheld skill",
}
CONTROL_COLUMNS = {
    "attack_success_rate": "Attack success rate, %",
    "false_trigger_rate": "False trigger rate, %",
    "harmlessness": "Harmlessness, %",
    "shared_accuracy": "Shared skills, %",
    "withheld_accuracy": "Withheld skills, %",
}


class Panel(NamedTuple):
    """One small multiple: the curve of one cell."""

    defense: str
    role: str
    svg: Markup


class MeanCost(NamedTuple):
    """What a defense spent on one seed of an organism: the mean over organisms, and the least and most tokens."""

    tokens: int
    steps: int
    flops: int
    least: int
    most: int


def render_page(inputs: Inputs, board: Board) -> str:
    """The content of leaderboard.html."""
    environment = make_environment()
    environment.filters.update(
        rate=rate_text,
        compact=compact,
        cite=cite,
        fixed=columns.fixed,
        cost=mean_cost,
        why=columns.why_left_out,
        share=columns.share_text,
        models=columns.models_text,
    )
    return environment.get_template("page.html.j2").render(
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        script=Markup((TEMPLATES / "sort.js").read_text(encoding="utf-8")),
        version=BENCHMARK_VERSION,
        inputs=inputs,
        params=inputs.params,
        cards=inputs.cards,
        board=board,
        rows=board.rows,
        defenses=list(dict.fromkeys([*(row.defense for row in board.rows), *inputs.cards])),
        words=columns,
        failed_defense=FAILED_DEFENSE,
        figures=figures,
        panels=curve_panels(board.curves, inputs),
        without_curve=[name for name in inputs.params.defenses if name not in {p.defense for p in board.curves}],
        red_team_legend=history_figures.red_team_legend(),
        red_team_panels=history_figures.red_team_panels(red_team_histories(inputs)),
        reinforcement_panels=history_figures.reinforcement_panels(reinforcements(inputs)),
        prompt_sets=PROMPT_SETS,
        control_columns=CONTROL_COLUMNS,
        generalisation=generalisation_figures(inputs),
        reasoning=reasoning_figures(inputs),
        excluded=excluded_seeds(inputs),
    )


def curve_panels(points: Sequence[CurvePoint], inputs: Inputs) -> dict[str, list[Panel]]:
    """By organism, one panel a cell with checkpoints; all on the same axes."""
    max_dose = max((point.dose_tokens for point in points), default=0)
    panels: dict[str, list[Panel]] = {}
    for (organism, defense), group in groupby(points, key=lambda point: (point.organism, point.defense)):
        svg = figures.persistence_curve(list(group), max_dose)
        panels.setdefault(organism, []).append(Panel(defense, inputs.cards[defense].role, svg))
    return panels


def mean_cost(costs: Mapping[str, Cost | None]) -> MeanCost | None:
    """The mean over the organisms of which a cost is known; None where none is."""
    known = [cost for cost in costs.values() if cost is not None]
    if not known:
        return None
    tokens = [cost.tokens for cost in known]
    return MeanCost(
        tokens=round(fmean(tokens)),
        steps=round(fmean(cost.steps for cost in known)),
        flops=round(fmean(cost.flops for cost in known)),
        least=min(tokens),
        most=max(tokens),
    )


def generalisation_figures(inputs: Inputs) -> dict[str, Markup]:
    """For each organism, the rate before any defense under other forms of the trigger, the highest first."""
    label, axis = "Rate by form", "attacks, before any defense"
    return {
        organism: figures.rates_by_name(dict(sorted(rates.items(), key=lambda item: -item[1].mean)), label, axis)
        for organism, result in inputs.organisms.items()
        if (rates := _mean_rates([seed.generalisation for seed in result.passed().values()]))
    }


def reasoning_figures(inputs: Inputs) -> dict[str, Markup]:
    """For each chain-of-thought organism, the rate when its scratchpad is begun for it."""
    label, axis = "Rate by begun scratchpad", "attacks, before any defense"
    return {
        organism: figures.rates_by_name(rates, label, axis)
        for organism, result in inputs.organisms.items()
        if (rates := _mean_rates([seed.reasoning for seed in result.passed().values()]))
    }


def _mean_rates(by_seed: Sequence[Mapping[str, Hits]]) -> dict[str, Interval]:
    """The mean over seeds of each name's rate, with its interval."""
    names = by_seed[0] if by_seed else ()
    means = {name: share_interval([rates[name].rate for rates in by_seed]) for name in names}
    return {name: interval for name, interval in means.items() if interval is not None}


def excluded_seeds(inputs: Inputs) -> int:
    """How many organism seeds could not be trained or failed the positive control."""
    n_seeds = sum(organism.n_seeds for organism in inputs.params.organisms.values())
    return n_seeds - sum(result.n_passed for result in inputs.organisms.values())


def rate_text(hits: Hits) -> tuple[str, str]:
    """A rate of one model in percent, and its Wilson interval with hits and trials; a dash where it is unknown."""
    if not hits.trials:
        return columns.DASH, "no valid answer"
    low, high = wilson_interval(hits.hits, hits.trials)
    write = columns.WRITE["percent"]
    return write(hits.hits / hits.trials), f"[{write(low)}, {write(high)}] · {hits.hits}/{hits.trials}"


def compact(value: int) -> str:
    """A large count with two or three digits and a unit: 1.2 M."""
    for size, unit in ((10**15, "P"), (10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return str(value)


def cite(source: str) -> Markup:
    """The source, escaped, with its arXiv numbers as links: the only addresses on the page."""
    link = r'<a href="https://arxiv.org/abs/\1" rel="noreferrer">arXiv:\1</a>'
    return Markup(re.sub(r"arXiv:(\d{4}\.\d{4,5})", link, str(escape(source))))
