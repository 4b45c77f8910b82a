"""The charts of the board: scatter with intervals, slopes, curves by dose, and what defenses recorded on their way."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt
from markupsafe import Markup

from stages.board.charts import (
    ACCENT,
    CARD,
    GOOD,
    HALVES,
    INK,
    LINES_OF,
    MARKS,
    MID,
    PERCENT,
    SERIES,
    SOFT,
    draw,
    marked,
    say,
    wrapped,
)
from stages.board.histories import RedTeamHistory, Reinforcement, Step
from stages.board.plugins import CEILING, DEFENSE, NULL_ROW
from stages.records.counts import Interval

SIDE = (388, 380)  # of a scatter, in pixels
PANEL = (116, 96)  # of one of three abreast: on a phone their letters are still nine pixels high
KINDS = {DEFENSE: "defense", NULL_ROW: "control", CEILING: "best that can be"}
STYLES = {DEFENSE: (ACCENT, "circle"), NULL_ROW: (SOFT, "square"), CEILING: (GOOD, "diamond")}
LETTER, LABEL_HEIGHT, MARK = 7.8, 17, 6  # pixels: of a label, and of half a mark
# Where a label may stand, the best place first: its distance from the point, across and down.
PLACES = sorted(
    ((gap, sign * LABEL_HEIGHT * n / 2) for n in range(26) for sign in (1, -1) for gap in (11.0, 26.0, 44.0, 70.0)),
    key=lambda place: (place[0] + abs(place[1]), place),
)
TOKENS = "datum.value ? format(datum.value, '~s') : '0'"
MOST_LETTERS = 17  # of a line above a panel
STAGES = ("start", "after", "later")
KEPT = ("attack left", "utility")
LINES = ("true trigger", "worst held-out string", "all that the red team proposes")


class Point(NamedTuple):
    """A defense in a scatter; `role` as its file has it."""

    name: str
    role: str
    x: Interval
    y: Interval


class Axis(NamedTuple):
    """The title of an axis that begins at 0, where it ends, and at what value a dashed line stands."""

    title: str
    end: float = 1.0
    limit: float | None = None


class Box(NamedTuple):
    """What a mark, an interval or a label covers, in pixels from the upper left."""

    left: float
    top: float
    right: float
    bottom: float

    def hits(self, other: "Box") -> bool:
        """Whether the two overlap."""
        is_beside = self.right <= other.left or other.right <= self.left
        return not is_beside and self.top < other.bottom and other.top < self.bottom


def place_labels(names: Sequence[str], points: Sequence[tuple[float, float]], taken: Sequence[Box]) -> list[Box]:
    """For each name a place beside its own point that covers no mark, nothing of `taken`, and no other label."""
    marks = [Box(x - MARK, y - MARK, x + MARK, y + MARK) for x, y in points]
    placed: dict[int, Box] = {}
    for i in sorted(range(len(points)), key=lambda i: (_crowd(points[i], points), points[i][1], names[i])):
        places = _places(names[i], points[i])
        free = (box for box in places if not any(box.hits(other) for other in (*marks, *taken, *placed.values())))
        off_others = (box for box in places if not any(box.hits(other) for other in (*marks, *placed.values())))
        placed[i] = next(free, next(off_others, places[0]))
    return [placed[i] for i in range(len(points))]


def _crowd(at: tuple[float, float], points: Sequence[tuple[float, float]]) -> int:
    """How many points are near one, itself among them: whoever stands alone chooses first."""
    return sum(math.dist(at, other) < 3 * LABEL_HEIGHT for other in points)


def _places(name: str, at: tuple[float, float]) -> list[Box]:
    """Where the name may stand within the chart, the best place first."""
    width, (x, y), found = LETTER * len(name), at, []
    for gap, down in PLACES:
        for left in (x + gap, x - gap - width):
            top = y + down - LABEL_HEIGHT / 2
            if left >= 0 and left + width <= SIDE[0] + LABEL_HEIGHT / 2 and 0 <= top <= SIDE[1] - LABEL_HEIGHT:
                found.append(Box(left, top, left + width, top + LABEL_HEIGHT))
    return found or [Box(x, y, x + width, y + LABEL_HEIGHT)]


def scatter(points: Sequence[Point], x: Axis, y: Axis, label: str) -> Markup:
    """Each point with both its intervals and its name, joined to it by a line where it stands away."""
    width, height = SIDE
    at = [(_pixel(p.x.mean, x, width), height - _pixel(p.y.mean, y, height)) for p in points]
    places = place_labels([p.name for p in points], at, _whiskers(points, at, (x, y)))
    data = [
        {
            **_point(p),
            "is_left": (is_left := box.left < spot[0]),
            "at": x.end * (box.right if is_left else box.left) / width,
            "near": x.end * (box.right + 2 if is_left else box.left - 2) / width,
            "middle": y.end * (1 - (box.top + box.bottom) / 2 / height),
        }
        for p, box, spot in zip(points, places, at, strict=True)
    ]
    base = alt.Chart(alt.Data(values=data))
    x_scale, y_scale = (alt.Scale(domain=[0, axis.end], nice=False, clamp=True) for axis in (x, y))
    across = alt.X("low:Q", title=x.title, scale=x_scale, axis=PERCENT)
    up = alt.Y("y_low:Q", title=y.title, scale=y_scale, axis=PERCENT)
    roles = {point.role for point in points}
    colour, shape = alt.Color(**_by_kind(roles, 0)), alt.Shape(**_by_kind(roles, 1))
    chart = alt.layer(
        *_limits(x, y),
        base.mark_rule(strokeWidth=2, aria=False).encode(x=across, x2="high:Q", y="y:Q", color=colour),
        base.mark_rule(strokeWidth=2, aria=False).encode(y=up, y2="y_high:Q", x="mean:Q", color=colour),
        base.mark_rule(strokeWidth=1, color=SOFT, opacity=0.6, aria=False).encode(
            x="mean:Q", y="y:Q", x2="near:Q", y2="middle:Q"
        ),
        base.mark_point(filled=True, size=90, opacity=1).encode(
            x="mean:Q", y="y:Q", color=colour, shape=shape, description="said:N"
        ),
        *_written(base),
    ).properties(width=width, height=height)
    return draw(chart, label)


def _by_kind(roles: Collection[str], style: int) -> dict[str, Any]:
    """A channel of the kinds of row that there are: their colours, 0, or their shapes, 1."""
    shown = {name: STYLES[role][style] for role, name in KINDS.items() if role in roles}
    scale = alt.Scale(domain=list(shown), range=list(shown.values()))
    return {"shorthand": "kind:N", "scale": scale, "legend": alt.Legend(title=None)}


def _written(base: alt.Chart) -> list[alt.Chart]:
    """The names; one on the left of its point ends near it. Beneath them a rim of the page's colour."""
    text = base.encode(alt.X("at:Q"), alt.Y("middle:Q"), alt.Text("name:N"))
    left, right = text.transform_filter("datum.is_left"), text.transform_filter("!datum.is_left")
    given: dict[str, Any] = {"baseline": "middle", "fontSize": 13, "aria": False}
    return [
        left.mark_text(align="right", color=CARD, stroke=CARD, strokeWidth=4, **given),
        right.mark_text(align="left", color=CARD, stroke=CARD, strokeWidth=4, **given),
        left.mark_text(align="right", color=INK, **given),
        right.mark_text(align="left", color=INK, **given),
    ]


def _pixel(value: float, axis: Axis, length: float) -> float:
    return length * min(max(value / axis.end, 0), 1)


def _whiskers(points: Sequence[Point], at: Sequence[tuple[float, float]], axes: tuple[Axis, Axis]) -> list[Box]:
    found = []
    for point, (x, y) in zip(points, at, strict=True):
        left, right = (_pixel(value, axes[0], SIDE[0]) for value in _ends(point.x))
        bottom, top = (SIDE[1] - _pixel(value, axes[1], SIDE[1]) for value in _ends(point.y))
        found += [Box(left, y - 1, right, y + 1), Box(x - 1, top, x + 1, bottom)]
    return found


def _ends(interval: Interval) -> tuple[float, float]:
    low, high = (interval.mean if bound is None else bound for bound in (interval.low, interval.high))
    return low, high


def _point(point: Point) -> dict[str, float | str]:
    y = marked("", point.y)
    said = f"{point.name}: across {say(point.x)}; up {say(point.y)}"
    of_y = {"y": y["mean"], "y_low": y["low"], "y_high": y["high"]}
    return {**marked("", point.x), **of_y, "name": point.name, "kind": KINDS[point.role], "said": said}


def _limits(x: Axis, y: Axis) -> list[alt.Chart]:
    found = []
    for axis, channel in ((x, "x"), (y, "y")):
        if axis.limit is not None:
            rule = alt.Chart(alt.Data(values=[{"at": axis.limit}])).mark_rule(strokeDash=[4, 4], color=MID, aria=False)
            found.append(rule.encode(**{channel: "at:Q"}))
    return found


def slopes(by_name: Mapping[str, Sequence[Interval]], label: str) -> Markup:
    """A panel a defense: the attack before it, after it, and after harmless training; all on the same axes."""
    data = [
        {"panel": wrapped(name, MOST_LETTERS), "stage": stage, **marked(f"{name}, {stage}", rate)}
        for name, of_name in by_name.items()
        for stage, rate in zip(STAGES, of_name, strict=True)
    ]
    x = alt.X("stage:O", sort=list(STAGES), title=None, axis=alt.Axis(labelAngle=0), scale=alt.Scale(padding=0.4))
    return _panels(data, _with_band(x), list(by_name), label)


def curves(by_name: Mapping[str, Sequence[tuple[float, Interval]]], label: str) -> Markup:
    """A panel a name: the attack by dose with its interval; all on the same axes."""
    data = [
        {"panel": wrapped(name, MOST_LETTERS), "dose": dose, **marked(f"{name}, {dose:,.0f} budget tokens", rate)}
        for name, points in by_name.items()
        for dose, rate in points
    ]
    return _panels(data, _with_band(_dose_axis()), list(by_name), label)


def _dose_axis() -> alt.X:
    return alt.X("dose:Q", title=None, axis=alt.Axis(tickCount=3, labelExpr=TOKENS), scale=alt.Scale(nice=False))


def _attack_axis(field: str) -> alt.Y:
    return alt.Y(field, title=None, axis=HALVES, scale=alt.Scale(domain=[0, 1], clamp=True, nice=False))


def _with_band(x: alt.X) -> alt.LayerChart | alt.FacetChart:
    """A line with its interval as a band."""
    base = alt.Chart().encode(x=x)
    return alt.layer(
        base.mark_area(color=ACCENT, opacity=0.16, aria=False).encode(y=_attack_axis("low:Q"), y2="high:Q"),
        base.mark_line(color=ACCENT, strokeWidth=2, aria=False).encode(y="mean:Q"),
        base.mark_point(filled=True, size=40, opacity=1, color=ACCENT).encode(y="mean:Q", description="said:N"),
    )


def _panels(
    data: Sequence[Mapping[str, float | str]], layers: alt.LayerChart | alt.FacetChart, names: Sequence[str], label: str
) -> Markup:
    """A panel a name, three abreast, on the same axes."""
    sized = layers.properties(width=PANEL[0], height=PANEL[1], data=alt.Data(values=list(data)))
    order = [wrapped(name, MOST_LETTERS) for name in names]
    panel = alt.Facet("panel:N", sort=order, title=None, header=alt.Header(labelExpr=LINES_OF))
    chart = sized.facet(facet=panel, columns=min(3, len(names)), spacing={"row": 16, "column": 14})
    return draw(chart.resolve_axis(x="independent"), label)


class Line(NamedTuple):
    """A line of a panel."""

    panel: str
    name: str
    points: Sequence[tuple[float, Interval]]


class Strength(NamedTuple):
    """A setting of a defense in a word, and what it leaves of the attack and of the skills."""

    setting: str
    attack_left: Interval
    utility: Interval


def lines(found: Sequence[Line], label: str) -> Markup:
    """Panels of several lines by dose, which colour and the shape of their marks tell apart."""
    data = [
        {
            "panel": wrapped(line.panel, MOST_LETTERS),
            "name": line.name,
            "dose": dose,
            **marked(f"{line.panel}, {line.name}, {dose:,.0f}", rate),
        }
        for line in found
        for dose, rate in line.points
    ]
    return _lines(data, _dose_axis(), [line.name for line in found], [line.panel for line in found], label)


def strengths(by_name: Mapping[str, Sequence[Strength]], label: str) -> Markup:
    """A panel a defense: attack left and utility kept, from the weakest setting to the strongest."""
    data = [
        {
            "panel": wrapped(name, MOST_LETTERS),
            "name": quantity,
            "setting": each.setting,
            **marked(f"{name}, {each.setting}, {quantity}", value),
        }
        for name, of_name in by_name.items()
        for each in of_name
        for quantity, value in zip(KEPT, (each.attack_left, each.utility), strict=True)
    ]
    longest = max(by_name.values(), key=len)
    axis = alt.Axis(labelAngle=0, labelOverlap=False)
    x = alt.X("setting:O", sort=[each.setting for each in longest], title=None, axis=axis, scale=alt.Scale(padding=0.7))
    return _lines(data, x, list(KEPT), list(by_name), label)


def _lines(
    data: Sequence[Mapping[str, float | str]], x: alt.X, names: Sequence[str], panels: Sequence[str], label: str
) -> Markup:
    """Several lines a panel, a colour and a shape each, in the order of their first appearance."""
    names, panels = list(dict.fromkeys(names)), list(dict.fromkeys(panels))
    colours = [SERIES[i % len(SERIES)] for i in range(len(names))]
    marks = [MARKS[i % len(MARKS)] for i in range(len(names))]
    legend = alt.Legend(title=None)
    colour = alt.Color("name:N", scale=alt.Scale(domain=names, range=colours), legend=legend)
    shape = alt.Shape("name:N", scale=alt.Scale(domain=names, range=marks), legend=legend)
    base = alt.Chart().encode(x=x, y=_attack_axis("mean:Q"), color=colour)
    layers = alt.layer(
        base.mark_line(strokeWidth=1.8, aria=False),
        base.mark_point(filled=True, size=45, opacity=1).encode(shape=shape, description="said:N"),
    )
    return _panels(data, layers, panels, label)


def red_teams(histories: Mapping[str, RedTeamHistory], label: str) -> Markup:
    """A panel a cell: what the red team sees fall, beside the true trigger."""
    found = [
        Line(name, line, [(reading.dose, reading.rate) for reading in readings])
        for name, history in histories.items()
        for line, readings in zip(LINES, (history.trigger, history.worst, history.red_team), strict=True)
    ]
    return lines(found, label)


class Quantity(NamedTuple):
    """What is drawn of the steps of reinforcement."""

    name: str
    value: Callable[[Step], float]


QUANTITIES = (
    Quantity("reward", lambda step: step.reward),
    Quantity("KL, nats an answer", lambda step: step.kl),
    Quantity("share of refusals", lambda step: step.refusals),
)


def reinforcement(found: Mapping[str, Reinforcement], label: str) -> list[Markup]:
    """A chart a quantity: a panel a cell, a thin line a seed."""
    charts = []
    for quantity in QUANTITIES:
        data = [
            {
                "panel": wrapped(name, MOST_LETTERS),
                "seed": seed,
                "dose": step.dose,
                "mean": round(quantity.value(step), 4),
            }
            for name, cell in found.items()
            for seed, steps in cell.seeds.items()
            for step in steps
        ]
        base = alt.Chart().mark_line(color=ACCENT, strokeWidth=1, opacity=0.6, aria=False)
        y = alt.Y("mean:Q", title=None, axis=alt.Axis(tickCount=3))
        chart = alt.layer(base.encode(x=_dose_axis(), y=y, detail="seed:N"))
        charts.append(_panels(data, chart, list(found), f"{label}: {quantity.name}"))
    return charts
