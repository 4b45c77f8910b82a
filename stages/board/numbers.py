"""How single numbers are written beside those of the columns: rates of one model, costs, citations."""

import re
from collections.abc import Mapping
from statistics import fmean
from typing import NamedTuple

from markupsafe import Markup, escape

from stages.board import columns
from stages.records.counts import Hits
from stages.records.outcomes import Cost
from stages.scoring.statistics import wilson_interval


class MeanCost(NamedTuple):
    """What a defense spent on one seed of an organism: the mean over organisms, and the least and most tokens."""

    tokens: int
    steps: int
    flops: int
    least: int
    most: int


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
    """The source, escaped, with its arXiv numbers as links."""
    link = r'<a href="https://arxiv.org/abs/\1" rel="noreferrer">arXiv:\1</a>'
    return Markup(re.sub(r"arXiv:(\d{4}\.\d{4,5})", link, str(escape(source))))


def slug(term: str) -> str:
    """The term as the end of an address: `False assurance` is `false-assurance`, `Refusals, %` is `refusals`."""
    return "-".join(re.findall(r"[a-z0-9]+", term.lower()))


def p_text(value: float | None) -> str:
    """A p-value with three decimals; a dash where there is no test."""
    return columns.DASH if value is None else "< 0.001" if value < 0.001 else columns.fixed(value, 3)
