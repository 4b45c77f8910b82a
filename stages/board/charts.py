"""How charts are drawn: Altair describes them, vl-convert makes static SVG of them, the page's CSS colours them.

A chart holds no address and no script. Equal numbers give equal bytes. A mark says its
numbers to a screen reader where it has a `said`; all others are hidden from it.
"""

import re
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import altair as alt
import vl_convert
from markupsafe import Markup, escape

from stages.board.columns import WRITE
from stages.records.counts import Interval

# Colours of the specification, each in the place of a variable of style.css: so a chart is light or dark as its page.
INK, SOFT, LINE, ACCENT, GOOD, BAD, MID, CARD, *SERIES = (f"#0000{n:02x}" for n in range(1, 16))
NAMES = ("ink", "soft", "line", "accent", "good", "bad", "mid", "card", *(f"series-{n}" for n in range(7)))
VARIABLES = dict(zip((INK, SOFT, LINE, ACCENT, GOOD, BAD, MID, CARD, *SERIES), NAMES, strict=True))
# Labels are laid out in a font that vl-convert brings, so alike on every machine, and that is as wide as any that a
# browser may show them in.
MEASURED, FONT = "Liberation Mono", "system-ui, Helvetica, Arial, sans-serif"
MARKS = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-left")
LINE_HEIGHT, WIDTH, MOST_LABEL = 15, 186, 420  # pixels
MOST_SCALE = 1.35  # at which letters are not yet larger than those of the page
MOST_LETTERS = 24  # of a line of a name
LINES_OF = "split(datum.label, '\\n')"  # of a name that is wrapped
TONES = ("yes", "no", "none", "open")
COLOURS, SHAPES = (BAD, GOOD, ACCENT, SOFT), ("circle", "square", "diamond", "cross")
PERCENT, HALVES = (alt.Axis(format=".0%", values=[i / n for i in range(n + 1)]) for n in (4, 2))


class ForestRow(NamedTuple):
    """A line of a forest plot: a mean with its interval, and the tone of its verdict, one of TONES."""

    name: str
    mean: float
    low: float
    high: float
    tone: str


def forest(rows: Sequence[ForestRow], thresholds: Sequence[float], axis: str, label: str) -> Markup:
    """A line a row, from top to bottom; the thresholds are dashed. `label` is what a screen reader says."""
    said = [
        {
            **row._asdict(),
            "name": wrapped(row.name),
            "said": f"{row.name}: {row.mean:.2f} [{row.low:.2f}, {row.high:.2f}]",
        }
        for row in rows
    ]
    names = [row.name for row in rows]
    ends = [row.low for row in rows] + [row.high for row in rows] + list(thresholds)
    scale = alt.Scale(domain=[min(0.0, *ends), max(0.0, *ends)], nice=True)
    color = alt.Color("tone:N", scale=alt.Scale(domain=list(TONES), range=list(COLOURS)), legend=None)
    shape = alt.Shape("tone:N", scale=alt.Scale(domain=list(TONES), range=list(SHAPES)), legend=None)
    base = alt.Chart(alt.Data(values=said)).encode(y=_names(names), color=color)
    limits = alt.Chart(alt.Data(values=[{"at": at} for at in thresholds]))
    chart = alt.layer(
        limits.mark_rule(strokeDash=[4, 4], color=INK, aria=False).encode(x="at:Q"),
        base.mark_rule(strokeWidth=2, aria=False).encode(x=alt.X("low:Q", title=axis, scale=scale), x2="high:Q"),
        base.mark_point(filled=True, size=80, opacity=1).encode(x="mean:Q", shape=shape, description="said:N"),
    ).properties(width=WIDTH, height=_height(names))
    return draw(chart, label)


def rates(by_name: Sequence[tuple[str, Interval]], axis: str, label: str) -> Markup:
    """A line a rate, on an axis from 0 to 100%."""
    names = [name for name, _ in by_name]
    base = alt.Chart(alt.Data(values=[{"name": wrapped(name), **marked(name, rate)} for name, rate in by_name]))
    base = base.encode(y=_names(names))
    scale = alt.Scale(domain=[0, 1], nice=False)
    chart = alt.layer(
        base.mark_rule(strokeWidth=2, color=ACCENT, aria=False).encode(
            x=alt.X("low:Q", title=axis, scale=scale, axis=PERCENT), x2="high:Q"
        ),
        base.mark_point(filled=True, size=70, opacity=1, color=ACCENT).encode(x="mean:Q", description="said:N"),
    ).properties(width=WIDTH, height=_height(names))
    return draw(chart, label)


def marked(name: str, rate: Interval) -> dict[str, float | str]:
    """A rate as the data of a mark: its mean, its bounds, and what a screen reader says of it."""
    low, high = (rate.mean if bound is None else bound for bound in (rate.low, rate.high))
    return {"mean": rate.mean, "low": low, "high": high, "said": f"{name}: {say(rate)}"}


def say(interval: Interval) -> str:
    """A rate in words: percent, interval and n."""
    write = WRITE["percent"]
    return f"{write(interval.mean)}% [{write(interval.low)}, {write(interval.high)}], n {interval.n}"


def wrapped(name: str, most_letters: int = MOST_LETTERS) -> str:
    """The name in lines that are short enough to stand beside a chart."""
    return "\n".join(textwrap.wrap(name, most_letters))


def _names(names: Sequence[str]) -> alt.Y:
    axis = alt.Axis(labelLimit=MOST_LABEL, labelPadding=8, labelExpr=LINES_OF, domain=False, ticks=False)
    return alt.Y("name:N", sort=[wrapped(name) for name in names], title=None, axis=axis)


def _height(names: Sequence[str]) -> float:
    return len(names) * (10 + LINE_HEIGHT * max(wrapped(name).count("\n") + 1 for name in names))


def draw(chart: alt.TopLevelMixin, label: str) -> Markup:
    """The chart as an element of a page; `label` is what a screen reader says of the whole."""
    styled = (
        chart.configure(
            font=MEASURED, background="transparent", padding={"left": 8, "right": 18, "top": 8, "bottom": 8}
        )
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK,
            titleColor=SOFT,
            titleFontWeight="normal",
            gridColor=LINE,
            domainColor=LINE,
            tickColor=LINE,
            labelFontSize=13,
            titleFontSize=13,
            titlePadding=10,
        )
        .configure_header(labelColor=INK, labelFontSize=13, labelFontWeight="bold", labelLimit=MOST_LABEL)
        .configure_legend(
            labelColor=INK, labelFontSize=13, labelLimit=MOST_LABEL, symbolSize=90, orient="bottom", columns=1
        )
    )
    svg = vl_convert.vegalite_to_svg(styled.to_dict())
    for colour, variable in VARIABLES.items():
        svg = svg.replace(f'"{colour}"', f'"var(--{variable})"')
    width = re.search(r'width="([\d.]+)"', svg)
    widest = MOST_SCALE * float(width[1]) if width else 0
    style = f"width: {widest:.0f}px; font-family: {FONT}"
    root = f'<svg role="graphics-document" aria-label="{escape(label)}" style="{style}" '
    return Markup(_slim(svg).replace("<svg ", root, 1))


def _slim(svg: str) -> str:
    """The same drawing in a third of the bytes: without what says nothing, and with two decimals."""
    svg = re.sub(r'<path class="(?:fore|back)ground" aria-hidden="true" d=""[^>]*/>', "", svg)
    svg = re.sub(r' (?:opacity="1"|pointer-events="none"|xmlns[:a-z]*="[^"]*")', "", svg)
    svg = re.sub(r' (?:aria-roledescription|font-family)="[^"]*"', "", svg)
    return re.sub(r"\d+\.\d{3,}(?:e-\d+)?", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), svg)
