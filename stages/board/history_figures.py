"""The figures of what defenses recorded on their way: a red team against the true trigger, and reinforcement by step.

All panels of a kind share their axes.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from stages.board.columns import fixed
from stages.board.figures import say, whisker
from stages.board.histories import Reading, RedTeamHistory, Reinforcement, Step
from stages.board.svg import Scale, drawing, element, line, mark, path, text

LEFT, RIGHT = 44.0, 320.0
# Shape and colour of each line of a red-team panel, and its name.
LINES = (
    ("circle", 0, "True trigger"),
    ("triangle", 1, "Worst held-out string"),
    ("square", 2, "Red team, all its proposals"),
)


class Quantity(NamedTuple):
    """One of the three small plots of a reinforcement panel."""

    name: str
    value: Callable[[Step], float]
    decimals: int


QUANTITIES = (
    Quantity("reward", lambda step: step.reward, 1),
    Quantity("KL, nats an answer", lambda step: step.kl, 1),
    Quantity("refusals of harmful requests", lambda step: step.refusals, 1),
)


def red_team_legend() -> list[tuple[Markup, str]]:
    """The mark and the name of each line."""
    return [
        (element("svg", mark(shape, 7, 7, f"face-{i}", name), viewBox="0 0 14 14", width=14, height=14), name)
        for shape, i, name in LINES
    ]


def red_team_panels(histories: Sequence[RedTeamHistory]) -> list[tuple[str, Markup]]:
    """For each cell its name and its panel: three rates by dose, with t intervals over seeds."""
    series = [(history.cell, (history.trigger, history.worst, history.red_team)) for history in histories]
    max_dose = max((point.dose for _, lines in series for points in lines for point in points), default=1.0)
    return [(cell, _red_team_panel(lines, max_dose)) for cell, lines in series]


def _red_team_panel(lines: Sequence[Sequence[Reading]], max_dose: float) -> Markup:
    x, y = Scale((0, max_dose or 1), (LEFT, RIGHT)), Scale((0, 1), (148, 12))
    parts = []
    for tick in (0.0, 0.5, 1.0):
        parts += [
            line((LEFT, y(tick)), (RIGHT, y(tick)), "grid"),
            text(LEFT - 6, y(tick) + 4, f"{tick:.0%}", "tick end"),
        ]
    parts += _dose_axis(max_dose, 166)
    for (shape, i, name), points in zip(LINES, lines, strict=True):
        parts.append(path([(x(point.dose), y(point.rate.mean)) for point in points], f"seed-line face-line-{i}"))
        for dose, rate in points:
            parts.append(whisker(y, rate, x(dose), f"whisker face-{i}", is_upright=True))
            said = f"{name}, {dose:,.0f} budget tokens: {say(rate)}"
            parts.append(mark(shape, x(dose), y(rate.mean), f"face-{i}", said))
    return drawing(RIGHT + 14, 174, "Red team and true trigger by dose", parts)


def _dose_axis(max_dose: float, y: float) -> list[Markup]:
    return [text(LEFT, y, "0", "tick"), text(RIGHT, y, f"{max_dose:,.0f} budget tokens", "tick end")]


def reinforcement_panels(found: Sequence[Reinforcement]) -> list[tuple[str, Markup]]:
    """For each cell its name and its panel: reward, KL and refusals by dose, one thin line a seed."""
    steps = [step for cell in found for of_seed in cell.seeds.values() for step in of_seed]
    max_dose = max((step.dose for step in steps), default=1.0)
    ranges = [_range([quantity.value(step) for step in steps]) for quantity in QUANTITIES]
    return [(cell.cell, _reinforcement_panel(cell, max_dose, ranges)) for cell in found]


def _range(values: Sequence[float]) -> tuple[float, float]:
    """From 0, or below it, to the largest value; never empty."""
    low, high = min([0.0, *values]), max([0.0, *values])
    return (low, high) if low < high else (low, low + 1)


def _reinforcement_panel(cell: Reinforcement, max_dose: float, ranges: Sequence[tuple[float, float]]) -> Markup:
    x, height = Scale((0, max_dose or 1), (LEFT, RIGHT)), 92.0
    parts = []
    for i, (quantity, domain) in enumerate(zip(QUANTITIES, ranges, strict=True)):
        y = Scale(domain, (i * height + 86, i * height + 24))
        parts.append(text(LEFT, i * height + 14, quantity.name, "name"))
        for tick in domain:
            parts.append(line((LEFT, y(tick)), (RIGHT, y(tick)), "grid"))
            parts.append(text(LEFT - 6, y(tick) + 4, fixed(tick, quantity.decimals), "tick end"))
        for seed, steps in cell.seeds.items():
            points = [(x(step.dose), y(quantity.value(step))) for step in steps]
            parts.append(path(points, "seed-line", tooltip=f"seed {seed}"))
    bottom = len(QUANTITIES) * height
    return drawing(
        RIGHT + 14, bottom + 20, "Reward, KL and refusals by dose", [*parts, *_dose_axis(max_dose, bottom + 12)]
    )
