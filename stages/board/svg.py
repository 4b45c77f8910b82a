"""A few SVG elements as strings: small enough to draw by hand, so the page needs no plotting library and no network.

Colours come from classes in style.css, so every figure follows the reader's light or dark setting.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape


@dataclass(frozen=True)
class Scale:
    """A straight map from `domain` to `pixels`; values outside are drawn at the edge."""

    domain: tuple[float, float]
    pixels: tuple[float, float]

    def __call__(self, value: float) -> float:
        """The pixel of `value`."""
        low, high = self.domain
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return self.pixels[0] + share * (self.pixels[1] - self.pixels[0])


def element(tag: str, *children: str, **attributes: object) -> Markup:
    """One element; `class_` becomes class, an underscore a hyphen, and numbers are written short."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_short(value))}"' for name, value in attributes.items()
    )
    return Markup(f"<{tag}{written}>{''.join(str(escape(child)) for child in children)}</{tag}>")


def drawing(width: float, height: float, label: str, parts: Iterable[Markup]) -> Markup:
    """A whole figure; `label` is what a screen reader says."""
    box = f"0 0 {_short(width)} {_short(height)}"
    return element("svg", *parts, viewBox=box, width=width, height=height, role="img", aria_label=label)


def line(start: tuple[float, float], end: tuple[float, float], class_: str) -> Markup:
    """A straight line."""
    return element("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_=class_)


def path(
    points: Sequence[tuple[float, float]], class_: str, *, is_closed: bool = False, tooltip: str | None = None
) -> Markup:
    """A polyline, or a polygon."""
    d = "M" + " L".join(f"{_short(x)} {_short(y)}" for x, y in points) + (" Z" if is_closed else "")
    return element("path", *([] if tooltip is None else [element("title", tooltip)]), d=d, class_=class_)


def text(x: float, y: float, content: str, class_: str) -> Markup:
    """A label at a point."""
    return element("text", content, x=x, y=y, class_=class_)


def mark(shape: str, x: float, y: float, class_: str, tooltip: str) -> Markup:
    """A data point: circle, square, triangle or diamond, so that shape and not colour alone tells them apart."""
    title = element("title", tooltip)
    if shape == "circle":
        return element("circle", title, cx=x, cy=y, r=4.5, class_=class_)
    if shape == "square":
        return element("rect", title, x=x - 4, y=y - 4, width=8, height=8, class_=class_)
    corners = {"triangle": [(0, -5.5), (5, 4), (-5, 4)], "diamond": [(0, -5.8), (5.8, 0), (0, 5.8), (-5.8, 0)]}[shape]
    d = "M" + " L".join(f"{_short(x + dx)} {_short(y + dy)}" for dx, dy in corners) + " Z"
    return element("path", title, d=d, class_=class_)


def _short(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
