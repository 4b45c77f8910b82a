"""Pictures of each kind of page, on a screen and a phone, light and dark: `python -m tests.browser.screenshots OUT`.

They are of reports/, or of the folder that is named second. A long page is cut into pieces that can be looked at.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import ChromiumMissing
from tests.browser.opening import PHONE, WIDE, Opened, launch, open_context, open_in
from tests.browser.pages import ROOT, one_of_each_kind

PIECE = 3000  # pixels high


def take_all(out: Path, reports: Path) -> list[Path]:
    """The pictures written; of a page NAME they are NAME-WIDTH-THEME-NUMBER.png."""
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        written = [path for page in one_of_each_kind(reports) for path in take(browser, page, out, reports)]
        browser.close()
    return written


def take(browser: Browser, page: Path, out: Path, reports: Path) -> Iterator[Path]:
    """The pictures of one page."""
    name = "-".join(page.relative_to(reports).with_suffix("").parts)
    for width in (WIDE, PHONE):
        for dark in (False, True):
            with open_context(browser, width, dark=dark, javascript=True) as context:
                yield from pieces(open_in(context, page), out, f"{name}-{width}-{'dark' if dark else 'light'}")


def pieces(opened: Opened, out: Path, name: str) -> Iterator[Path]:
    """The page from its top to its end; the last piece may begin within the one before."""
    width, height = opened.page.evaluate("[innerWidth, document.documentElement.scrollHeight]")
    opened.page.set_viewport_size({"width": width, "height": min(PIECE, height)})
    for number, top in enumerate(range(0, height, PIECE), start=1):
        path = out / f"{name}-{number}.png"
        opened.page.evaluate("top => scrollTo({top, behavior: 'instant'})", top)
        opened.page.screenshot(path=path)
        yield path


def main(arguments: list[str]) -> None:
    """Say what was written."""
    if not 1 <= len(arguments) <= 2:
        sys.exit("usage: python -m tests.browser.screenshots OUT [REPORTS]")
    reports = Path(arguments[1]).resolve() if arguments[1:] else ROOT / "reports"
    try:
        written = take_all(Path(arguments[0]), reports)
    except ChromiumMissing as error:
        sys.exit(str(error))
    print(f"{len(written)} pictures in {arguments[0]}")


if __name__ == "__main__":
    main(sys.argv[1:])
