"""Pictures of pages."""

from pathlib import Path

from tests.browser.screenshots import PIECE, take


def size_of(png: Path) -> tuple[int, int]:
    """Width and height, from the header."""
    header = png.read_bytes()[16:24]
    return int.from_bytes(header[:4]), int.from_bytes(header[4:])


def test_a_page_is_taken_at_both_widths_in_both_themes_piece_by_piece(tmp_path, browser):
    page = tmp_path / "reports" / "a" / "b.html"
    page.parent.mkdir(parents=True)
    page.write_text(f"<body style='margin:0'><div style='height:{PIECE + 10}px'>", encoding="utf-8")
    taken = {path.stem: size_of(path) for path in take(browser, page, tmp_path, tmp_path / "reports")}
    names = [f"a-b-{width}-{theme}" for width in (1400, 390) for theme in ("light", "dark")]
    assert list(taken) == [f"{name}-{number}" for name in names for number in (1, 2)]
    assert set(taken.values()) == {(1400, PIECE), (390, PIECE)}
