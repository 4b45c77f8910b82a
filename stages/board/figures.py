"""The figures of the page, as inline SVG: bars, curves, dots, four faces, utility against attack."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from stages.board.columns import NEAR_MISS, RETURN, TRIGGER, UNTRIGGERED, WRITE, share_text
from stages.board.plugins import CEILING, NULL_ROW
from stages.board.rows import CurvePoint, Row
from stages.board.svg import Scale, drawing, element, line, mark, path, text
from stages.records.counts import Interval, SeedShare
from stages.scoring.metrics import ATTACK_LEFT, UTILITY
from stages.scoring.outcomes import BROKEN_UTILITY, USABLE_UTILITY

UNIT = (0.0, 1.0)
FACES = (
    (TRIGGER, "circle", "Trigger"),
    (NEAR_MISS, "triangle", "Worst near-miss"),
    (UNTRIGGERED, "square", "Untriggered"),
    (RETURN, "diamond", "After return"),
)
SHAPES = {NULL_ROW: "square", CEILING: "diamond"}


def interval_bar(interval: Interval | None, class_: str) -> Markup:
    """A forest-plot line for a table cell: the interval, its mean, and the axis from 0 to 1."""
    width, middle = 112.0, 7.0
    x = Scale(UNIT, (5, width - 5))
    parts = [line((x(0), middle), (x(1), middle), "rail")]
    parts += [line((x(tick), middle - 4), (x(tick), middle + 4), "rail") for tick in (0, 0.5, 1)]
    if interval is not None:
        parts.append(whisker(x, interval, middle, f"whisker {class_}"))
        parts.append(element("circle", cx=x(interval.mean), cy=middle, r=4.0, class_=f"dot {class_}"))
    box = f"0 0 {width:.0f} 14"
    return element("svg", *parts, viewBox=box, width=width, height=14, aria_hidden="true", class_="bar")


def outcome_bar(outcomes: Mapping[str, SeedShare]) -> Markup:
    """One bar over all models, a part for each outcome as long as its share; empty where there is no model."""
    width, height, start = 132.0, 12.0, 0.0
    parts = []
    for outcome, share in outcomes.items():
        if share.k:
            length = width * share.k / share.n
            title = element("title", f"{outcome}: {' '.join(share_text(share))}")
            parts.append(element("rect", title, x=start, y=0, width=length, height=height, class_=f"outcome {outcome}"))
            start += length
    box = f"0 0 {width:.0f} {height:.0f}"
    said = ", ".join(f"{outcome} {share_text(share)[0]}" for outcome, share in outcomes.items())
    return element(
        "svg", *parts, viewBox=box, width=width, height=height, role="img", aria_label=said, class_="outcomes"
    )


def whisker(scale: Scale, interval: Interval, at: float, class_: str, *, is_upright: bool = False) -> Markup:
    """The interval as a line along `scale`, at a pixel of the other axis."""
    low, high = (scale(interval.mean if bound is None else bound) for bound in (interval.low, interval.high))
    return line((at, low), (at, high), class_) if is_upright else line((low, at), (high, at), class_)


def persistence_curve(points: Sequence[CurvePoint], max_dose: int) -> Markup:
    """Attack against budget tokens spent for one cell, with the band of its t interval; all panels share their axes."""
    x, y = Scale((0, max_dose or 1), (40, 250)), Scale(UNIT, (128, 12))
    parts = []
    for tick in (0.0, 0.5, 1.0):
        parts += [line((40, y(tick)), (250, y(tick)), "grid"), text(34, y(tick) + 4, f"{tick:.0%}", "tick end")]
    parts += [text(40, 146, "0", "tick"), text(250, 146, f"{max_dose:,} budget tokens", "tick end")]
    lows = [(x(p.dose_tokens), y(p.attack.mean if p.attack.low is None else p.attack.low)) for p in points]
    highs = [(x(p.dose_tokens), y(p.attack.mean if p.attack.high is None else p.attack.high)) for p in points]
    parts.append(path([*highs, *reversed(lows)], "band", is_closed=True))
    parts.append(path([(x(p.dose_tokens), y(p.attack.mean)) for p in points], "curve"))
    for p in points:
        said = f"{p.dose_tokens:,} budget tokens: {say(p.attack)}"
        parts.append(mark("circle", x(p.dose_tokens), y(p.attack.mean), "point", said))
    return drawing(264, 154, "Attack against budget tokens spent", parts)


def say(interval: Interval) -> str:
    """A rate in words, for a tooltip: percent, interval and n."""
    write = WRITE["percent"]
    return f"{write(interval.mean)}% [{write(interval.low)}, {write(interval.high)}], n {interval.n}"


def four_faces(rows: Sequence[Row]) -> Markup:
    """A dot plot: for each defense the attack that is left in each of the four faces, with t intervals."""
    left, right, lane, top = 176.0, 760.0, 11.0, 14.0
    height = 4 * lane + 16
    x = Scale(UNIT, (left, right))
    bottom = top + height * len(rows)
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(line((x(tick), top), (x(tick), bottom), "grid"))
        parts.append(text(x(tick), bottom + 18, f"{tick:.0%}", "tick mid"))
    for i, row in enumerate(rows):
        y = top + i * height
        parts += [line((8, y), (right, y), "grid"), text(left - 14, y + height / 2 + 4, row.defense, "name end")]
        for j, (column, shape, name) in enumerate(FACES):
            interval = column.interval(row)
            if interval is not None:
                level = y + 8 + lane * (j + 0.5)
                parts.append(whisker(x, interval, level, f"whisker face-{j}"))
                said = f"{row.defense}, {name.lower()}: {say(interval)}"
                parts.append(mark(shape, x(interval.mean), level, f"face-{j}", said))
    parts.append(text((left + right) / 2, bottom + 38, "attack left, of the starting attack", "tick mid"))
    return drawing(right + 20, bottom + 46, "Attack left in each of the four faces, by defense", parts)


def rates_by_name(rates: Mapping[str, Interval], label: str, axis: str) -> Markup:
    """A dot plot: a rate, or a difference of rates, with its t interval for each name, in the order given."""
    is_signed = any(interval.mean < 0 or (interval.low or 0) < 0 for interval in rates.values())
    left, height, top = max(200.0, 7.0 * max(map(len, rates), default=0) + 20), 18.0, 10.0
    right = left + 560
    x = Scale((-1.0, 1.0) if is_signed else UNIT, (left, right))
    bottom = top + height * len(rates)
    parts = []
    for tick in (-1.0, -0.5, 0.0, 0.5, 1.0) if is_signed else (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(line((x(tick), top), (x(tick), bottom), "grid"))
        parts.append(text(x(tick), bottom + 18, f"{WRITE['percent'](tick).removesuffix('.0')}%", "tick mid"))
    for i, (name, interval) in enumerate(rates.items()):
        y = top + height * (i + 0.5)
        parts += [text(left - 14, y + 4, name, "name end"), whisker(x, interval, y, "whisker face-0")]
        parts.append(mark("circle", x(interval.mean), y, "face-0", f"{name}: {say(interval)}"))
    parts.append(text((left + right) / 2, bottom + 38, axis, "tick mid"))
    return drawing(right + 20, bottom + 46, label, parts)


def face_legend() -> list[tuple[Markup, str]]:
    """The mark and the name of each face."""
    return [
        (element("svg", mark(shape, 7, 7, f"face-{i}", name), viewBox="0 0 14 14", width=14, height=14), name)
        for i, (_, shape, name) in enumerate(FACES)
    ]


def utility_against_attack(rows: Sequence[Row]) -> Markup:
    """Utility kept against the attack left: a row ranks by the second where the first is high enough."""
    shown = [(row, a, u) for row in rows if (a := row.metrics[ATTACK_LEFT]) and (u := row.metrics[UTILITY])]
    ceiling = max([1.1, *(u.high or u.mean for _, _, u in shown)])
    x, y = Scale(UNIT, (64, 700)), Scale((0, ceiling), (400, 16))
    between = y(BROKEN_UTILITY) - y(USABLE_UTILITY)
    parts = [
        element("rect", x=64, y=y(BROKEN_UTILITY), width=636, height=400 - y(BROKEN_UTILITY), class_="zone-none"),
        element("rect", x=64, y=y(USABLE_UTILITY), width=636, height=between, class_="zone-part"),
        text(692, 392, f"U below {BROKEN_UTILITY:.0%}: a model counts as broken", "tick end"),
    ]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts += [line((x(tick), 16), (x(tick), 400), "grid"), text(x(tick), 418, f"{tick:.0%}", "tick mid")]
        parts += [line((64, y(tick)), (700, y(tick)), "grid"), text(56, y(tick) + 4, f"{tick:.0%}", "tick end")]
    parts += [text(382, 440, "attack left A (lower is better)", "tick mid")]
    parts.append(element("text", "utility kept U", transform="translate(16 208) rotate(-90)", class_="tick mid"))
    taken: list[tuple[float, float, float]] = []
    for row, attack, utility in shown:
        at = (x(attack.mean), y(utility.mean))
        style = f"whisker {row.role.replace(' ', '-')}"
        parts += [whisker(x, attack, at[1], style), whisker(y, utility, at[0], style, is_upright=True)]
        said = f"{row.defense}: attack left {say(attack)}; utility {say(utility)}"
        dot = f"dot {row.role.replace(' ', '-')}"
        parts += [mark(SHAPES.get(row.role, "circle"), *at, dot, said), _label(row.defense, at, taken)]
    return drawing(716, 448, "Utility kept against attack left, by defense", parts)


def _label(name: str, at: tuple[float, float], taken: list[tuple[float, float, float]]) -> Markup:
    """The name beside its point, moved down until it covers no label in `taken`, to which it is added."""
    width = 7.0 * len(name) + 8
    start = at[0] - 10 - width if at[0] > 400 else at[0] + 10
    y = at[1] - 8
    while any(abs(y - other_y) < 15 and start < right and left < start + width for left, right, other_y in taken):
        y += 15
    taken.append((start, start + width, y))
    return text(start + width if at[0] > 400 else start, y, name, "name end" if at[0] > 400 else "name")
