"""Tables that sort: the first click of a column's head puts the best on top, and the order of before can be had again.

A head that sorts is a <th> with a button. It says by aria-sort how its column is sorted. A cell is sorted by its
data-value, or else by its text; an unknown value is empty and stays last.
"""

import re
from typing import NamedTuple

import pytest

from stages.board.columns import COLUMNS, DASH
from tests.browser.opening import Opened
from tests.browser.pages import one_of_each_kind

# Of every other number less is better: ranks, attacks, costs.
MORE_IS_BETTER = {column.heading for column in COLUMNS if column.is_high_good} | {"Models", "Seeds", "n"}
BACK = re.compile("original|order|reset", re.IGNORECASE)
TABLES = "table:has(thead th button)"
STATE = """table => {
  const rows = [...table.tBodies[0].rows], heads = [...table.tHead.rows[0].cells];
  rows.forEach((row, i) => row.wasAt ??= i);
  return {
    order: rows.map(row => row.wasAt),
    sorted: heads.map(head => head.getAttribute("aria-sort") ?? "none"),
    values: heads.map((_, i) => rows.map(row => row.cells[i].dataset.value ?? row.cells[i].textContent.trim())),
    names: heads.map(head => head.querySelector("button") ? head.textContent.replace(/\\s+/g, " ").trim() : ""),
  };
}"""


class State(NamedTuple):
    """A table as it stands: where each row was at first, and by column how it is sorted, its values and its name."""

    order: list[int]
    sorted: list[str]
    values: list[list[str]]
    names: list[str]


def tables_of(opened: Opened) -> list:
    return [table.element_handle() for table in opened.page.locator(TABLES).all()]


def state_of(table) -> State:
    return State(**table.evaluate(STATE))


def click(table, column: int) -> State:
    table.evaluate("(table, i) => table.tHead.rows[0].cells[i].querySelector('button').click()", column)
    return state_of(table)


def is_best_first(name: str, values: list[str]) -> bool:
    """Numbers from the best on, words from A on, and what is unknown last."""
    known = [value for value in values if value not in ("", DASH)]
    if values[: len(known)] != known:
        return False
    try:
        numbers = [float(value) for value in known]
    except ValueError:
        return known == sorted(known, key=str.casefold)
    return numbers == sorted(numbers, reverse=name in MORE_IS_BETTER)


def is_restored(table, column: int, before: State, opened: Opened) -> bool:
    """Whether two more clicks of the head, or a button of the page that says so, bring the first order back."""
    for _ in range(2):
        now = click(table, column)
        if (now.order, now.sorted) == (before.order, before.sorted):
            return True
    for button in opened.page.get_by_role("button", name=BACK).all():
        button.click()
    return (state_of(table).order, state_of(table).sorted) == (before.order, before.sorted)


def wrong_with(opened: Opened, number: int) -> list[str]:
    """What the heads of a table do wrong, each tried on the page as it was opened."""
    wrong, before = [], state_of(tables_of(opened)[number])
    for column in [i for i, name in enumerate(before.names) if name]:
        opened.page.reload()
        table, name = tables_of(opened)[number], before.names[column]
        state_of(table)
        now = click(table, column)
        if not is_best_first(name, now.values[column]):
            wrong.append(f"'{name}': the first click does not put the best on top, but {now.values[column][:3]}")
        if now.sorted[column] not in ("ascending", "descending"):
            wrong.append(f"'{name}': aria-sort is {now.sorted[column]} after a click")
        if not is_restored(table, column, before, opened):
            wrong.append(f"'{name}': the first order cannot be had again")
    return wrong


def test_the_first_click_sorts_best_first_and_the_first_order_can_be_had_again(reports, subtests, open_page):
    n_tables = 0
    for path in one_of_each_kind(reports):
        opened = open_page(path)
        for number in range(len(tables_of(opened))):
            n_tables += 1
            with subtests.test(page=str(path.relative_to(reports)), table=number):
                wrong = wrong_with(opened, number)
                if wrong:
                    pytest.fail("\n".join(wrong), pytrace=False)
    assert n_tables, "no table sorts: this test has nothing to look at"
