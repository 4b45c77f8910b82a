"""Chromium, and pages for it: those of the made-up benchmark, and for a release those in git.

Package-wide and not session-wide: while Playwright runs, no other test of the process can start an event loop.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.board.sent import send_all
from tests.board.toys import ORGANISM, OTHER, build_several
from tests.browser.chromium import ChromiumMissing
from tests.browser.opening import WIDE, Opened, launch, open_context, open_in
from tests.browser.pages import ROOT, all_pages

OpenPage = Callable[..., Opened]

FOLDER = Path(__file__).parent


def toy_reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the made-up benchmark."""
    made = build_several(tmp_path_factory.mktemp("browser").resolve())
    send_all(made, (ORGANISM, OTHER))
    made.report()
    return made.out


@pytest.fixture(scope="package", params=["toy", pytest.param("committed", marks=pytest.mark.release)])
def reports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of reports with pages."""
    folder = toy_reports(tmp_path_factory) if request.param == "toy" else ROOT / "reports"
    assert all_pages(folder), f"no page in {folder}"
    return folder


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, running; without one, tests that need it fail by one sentence, or are skipped by it in `make test`."""
    with sync_playwright() as playwright:
        try:
            chromium = launch(playwright)
        except ChromiumMissing as error:
            if os.environ.get("MISSING_TOOLS") == "skip":
                pytest.skip(str(error))
            pytest.fail(str(error), pytrace=False)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens a page by its path; it is closed with the test."""
    with ExitStack() as contexts:

        def open_one(path: Path, width: int = WIDE, *, dark: bool = False, javascript: bool = True) -> Opened:
            context = contexts.enter_context(open_context(browser, width, dark=dark, javascript=javascript))
            return open_in(context, path)

        yield open_one


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder: they need a browser."""
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker("browser")
