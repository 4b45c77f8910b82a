"""Two defenses side by side: a box shows its column, by style alone."""

from pathlib import Path


def test_a_tick_shows_a_column_without_javascript(reports: Path, open_page) -> None:
    opened = open_page(reports / "compare.html", javascript=False)
    boxes = opened.page.locator(".choose input")
    states = [(box.is_checked(), box.get_attribute("id").removeprefix("show-")) for box in boxes.all()]
    assert [is_shown for is_shown, _ in states].count(True) == 2
    for is_shown, name in states:
        assert opened.page.locator(f"thead .of-{name}").is_visible() == is_shown
    hidden = next(name for is_shown, name in states if not is_shown)
    opened.page.locator(f"#show-{hidden}").focus()
    opened.page.keyboard.press("Space")
    assert opened.page.locator(f"thead .of-{hidden}").is_visible()
