"""Every kind of page in headless Chromium: on a screen and a phone, light and dark, printed, and without JavaScript."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.opening import PHONE, WIDE, Opened
from tests.browser.pages import all_pages, broken_links, first_page, one_of_each_kind, outline_of

MAX_BYTES = 350 * 1024
widths = pytest.mark.parametrize("width", [WIDE, PHONE])


@pytest.fixture
def on_each(reports: Path, subtests: pytest.Subtests) -> Callable[[Callable[[Path], list[str]]], None]:
    """Runs a check on a page of each kind; it returns what is wrong."""

    def run(check: Callable[[Path], list[str]]) -> None:
        for path in one_of_each_kind(reports):
            with subtests.test(page=str(path.relative_to(reports))):
                wrong = check(path)
                if wrong:
                    pytest.fail("\n".join(wrong), pytrace=False)

    return run


@widths
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_violation_and_text_stands_out(on_each, open_page, width, dark):
    on_each(lambda path: open_page(path, width, dark=dark).violations())


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_labels_in_figures_stand_out(on_each, open_page, dark):
    on_each(lambda path: unfolded(open_page(path, dark=dark)).find("paleLabels"))


@widths
def test_no_request_leaves_the_machine(on_each, open_page, width):
    def foreign(path: Path) -> list[str]:
        opened = open_page(path, width)
        opened.unfold()
        opened.scroll_through()
        return opened.foreign

    on_each(foreign)


@widths
def test_a_page_is_as_wide_as_the_screen(on_each, open_page, width):
    on_each(lambda path: unfolded(open_page(path, width)).find("overflow"))


@widths
def test_figures_are_whole_and_can_be_read_without_scrolling_sideways(on_each, open_page, width):
    on_each(lambda path: unfolded(open_page(path, width)).find("cutFigures"))


@widths
def test_a_page_can_be_read_without_javascript(on_each, open_page, width):
    on_each(lambda path: open_page(path, width, javascript=False).find("needsScript"))


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no-script"])
def test_paper_shows_what_is_folded(on_each, open_page, javascript):
    on_each(lambda path: printed(open_page(path, javascript=javascript)).find("foldedInPrint"))


def test_paper_cuts_no_table(on_each, open_page):
    on_each(lambda path: printed(unfolded(open_page(path))).find("cutInPrint"))


@widths
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_names_that_stay_are_not_overprinted(on_each, open_page, width, dark):
    on_each(lambda path: unfolded(open_page(path, width, dark=dark)).find("overprinted"))


def test_figures_have_names_of_their_own(on_each, open_page):
    on_each(lambda path: open_page(path).find("figureNames"))


def test_every_link_leads_somewhere(reports):
    assert broken_links(all_pages(reports), reports) == []


def test_a_section_can_be_linked_to(reports):
    without = {str(path.relative_to(reports)): outline_of(path).h2_without_id for path in all_pages(reports)}
    assert {path: n for path, n in without.items() if n} == {}, "give each <h2> an id"


def test_an_anchor_is_there_once(reports):
    anchors = {path: outline_of(path).anchors for path in all_pages(reports)}
    assert {path.name: twice for path, names in anchors.items() if (twice := len(names) - len(set(names)))} == {}


def test_the_first_page_is_light(reports, open_page, capsys):
    opened = open_page(first_page(reports))
    with capsys.disabled():
        print(f"\n{first_page(reports)}: {opened.weight():,} bytes, loaded in {opened.seconds_to_load():.2f} s")
    assert opened.weight() <= MAX_BYTES


def unfolded(opened: Opened) -> Opened:
    opened.unfold()
    return opened


def printed(opened: Opened) -> Opened:
    opened.print_out()
    return opened
