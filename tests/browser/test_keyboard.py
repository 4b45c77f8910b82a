"""From the first page to the answers of one model with the keyboard alone."""

from pathlib import Path

from playwright.sync_api import Page

MOST_TABS = 400
FOCUSED = "document.activeElement.getAttribute('href') ?? ''"


def tab_to(page: Page, is_wanted: str) -> str:
    """Press Tab until the link in focus contains this; its address."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if is_wanted in (href := page.evaluate(FOCUSED)):
            return href
    raise AssertionError(f"no link with {is_wanted} within {MOST_TABS} presses of Tab")


def test_two_presses_of_enter_lead_to_the_answers_of_one_model(reports: Path, open_page) -> None:
    page = open_page(reports / "index.html").page
    cell = tab_to(page, "--sft.html")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{cell}")
    seed = tab_to(page, "#seed-")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{cell}{seed}")
    answer = page.locator(f"{seed} .said").first
    assert answer.inner_text().strip()
    assert answer.evaluate("each => each.getBoundingClientRect().top < innerHeight")
