"""What submitted code may try, with the sandbox really on: a verdict each that names the rule, and nothing changed."""

from pathlib import Path

import pytest

from stages.submission.rules import RULES
from tests.submission.toys import drills, given_at, whole_drills

DRILLS = drills(given_at(Path("nowhere"))) | whole_drills()


@pytest.mark.parametrize("name", DRILLS)
def test_a_drill_ends_in_a_verdict_that_names_its_rule(name, drilled):
    verdict = drilled.verdicts[name]
    assert verdict and verdict.startswith(f"{DRILLS[name].rule}: {RULES[DRILLS[name].rule]}"), verdict
    assert DRILLS[name].said in verdict, verdict


def test_no_drill_has_changed_a_result_the_code_or_an_organism(drilled):
    assert drilled.before == drilled.after


def test_the_page_names_every_rule(root):
    page = (root / "docs/submitting.md").read_text(encoding="utf-8")
    table = page.split("| rule |")[1].split("\n\n")[0]
    assert [rule for rule in RULES if f"`{rule}`" not in table] == []
