"""What submitted code may try, with the sandbox really on: a verdict each that names the rule, and nothing changed."""

import hashlib
from pathlib import Path

import pytest

from stages.submission.rules import RULES
from tests.submission.toys import ROOT, drills, given_at, whole_drills

DRILLS = drills(given_at(Path("nowhere"))) | whole_drills()


def state(*folders: Path) -> dict[str, str]:
    files = [
        path for folder in folders for path in folder.rglob("*") if path.is_file() and "__pycache__" not in str(path)
    ]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in [*files, ROOT / "dvc.lock"]}


@pytest.mark.parametrize("name", DRILLS)
def test_a_drill_ends_in_a_verdict_that_names_its_rule(name, verdicts):
    verdict = verdicts[name]
    assert verdict and verdict.startswith(f"{DRILLS[name].rule}: {RULES[DRILLS[name].rule]}"), verdict
    assert DRILLS[name].said in verdict, verdict
