"""Charts: labels beside their own points, bytes that do not change, the page's colours, words for a screen reader."""

import re

from stages.board.charts import rates, wrapped
from stages.board.plots import (
    MARK,
    SIDE,
    Axis,
    Box,
    Line,
    Point,
    Strength,
    curves,
    lines,
    place_labels,
    scatter,
    slopes,
    strengths,
)
from stages.records.counts import Interval

HALF, ALL = Interval(0.5, 0.4, 0.6, 4), Interval(1.0, None, None, 1)


def test_labels_cover_no_mark_and_no_other_label() -> None:
    crowd = [(0.0, 4.0), (1.0, 5.0), (0.0, 6.0), (2.0, 4.0), (0.0, 0.0), (380.0, 10.0), (380.0, 12.0), (200.0, 190.0)]
    names = [f"A long name of number {i}" for i in range(len(crowd))]
    boxes = place_labels(names, crowd, [])
    marks = [Box(x - MARK, y - MARK, x + MARK, y + MARK) for x, y in crowd]
    assert not [1 for i, box in enumerate(boxes) for other in (*marks, *boxes[:i]) if box.hits(other)]
    assert all(box.left >= 0 and box.top >= 0 and box.bottom <= SIDE[1] for box in boxes)


def test_a_label_stands_on_the_line_of_its_point_where_there_is_room() -> None:
    (box,) = place_labels(["name"], [(100.0, 100.0)], [])
    assert (box.left, (box.top + box.bottom) / 2) == (111.0, 100.0)
    # An interval in its way moves it off that line.
    (moved,) = place_labels(["name"], [(100.0, 100.0)], [Box(60, 99, 180, 101)])
    assert moved.bottom <= 99 or moved.top >= 101


def test_a_label_without_room_still_stands_at_its_point() -> None:
    (box,) = place_labels(["a name that is much too long for any place in such a chart"], [(5.0, 5.0)], [])
    assert (box.left, box.top) == (5.0, 5.0)


def a_scatter() -> str:
    points = [Point("Tuning", "defense", HALF, ALL), Point("Nothing", "null row", ALL, HALF)]
    return scatter(points, Axis("refused", limit=0.8), Axis("left"), 'says "<b>"')


def test_a_chart_is_the_same_twice_has_no_address_and_wears_the_colours_of_its_page() -> None:
    svg = a_scatter()
    assert svg == a_scatter()
    assert 'fill="var(--accent)"' in svg and not re.search(r'"#[0-9a-f]{6}"', svg)
    assert "href" not in svg and "http" not in svg and "<script" not in svg


def test_a_mark_says_its_numbers_and_the_chart_its_name() -> None:
    svg = a_scatter()
    assert 'role="graphics-document" aria-label="says &#34;&lt;b&gt;&#34;"' in svg
    assert 'aria-label="Tuning: across 50.0% [40.0, 60.0], n 4; up 100.0% [–, –], n 1"' in svg


def test_a_rate_stands_on_an_axis_from_nothing_to_all() -> None:
    svg = rates([("other marks", HALF)], "attacks", "by form")
    ticks = [f">{tick}%</text>" for tick in (0, 25, 50, 75, 100)]
    assert [tick in svg for tick in ticks] == [True] * 5 and "-100%" not in svg
    assert 'aria-label="other marks: 50.0% [40.0, 60.0], n 4"' in svg


def test_panels_have_their_names_and_their_points() -> None:
    svg = slopes({"Fine-tuning on good answers": [ALL, HALF, HALF]}, "slopes")
    assert ">Fine-tuning on</tspan>" in svg or ">Fine-tuning on</text>" in svg
    assert [f"Fine-tuning on good answers, {stage}: " in svg for stage in ("start", "after", "later")] == [True] * 3
    assert "Toy, 1,000 budget tokens: 50.0%" in curves({"Toy": [(0, ALL), (1000, HALF)]}, "curves")
    assert "Toy, Tuning, 1,000: 50.0%" in lines([Line("Toy", "Tuning", [(0, ALL), (1000, HALF)])], "lines")


def test_strengths_stand_in_their_order_with_what_is_left_and_what_is_kept() -> None:
    tried = [Strength("×0.5", ALL, ALL), Strength("×2", HALF, ALL), Strength("long", ALL, HALF)]
    svg = strengths({"Tuning": tried, "Other": tried[:2]}, "strengths")
    places = [svg.index(f">{name}</text>") for name in ("×0.5", "×2", "long")]
    assert places == sorted(places)
    assert "Tuning, ×2, attack left: 50.0%" in svg and "Tuning, long, utility: 50.0%" in svg


def test_a_long_name_is_wrapped() -> None:
    assert wrapped("the trigger, after harmless training") == "the trigger, after\nharmless training"
