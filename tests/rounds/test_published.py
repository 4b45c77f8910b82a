"""The rounds that are committed: each passes its audit as it lies there, and no figure of it can be edited unseen."""

import hashlib
import json
import shutil
from dataclasses import fields
from pathlib import Path

import pytest

from stages.records.files import read_record
from stages.rounds.auditing import AuditError, audit, audit_row, revealed
from stages.rounds.published import CLOSING, DATA, OPENING, ROWS, Closing, Hashes, Opening
from stages.rounds.rows import Figures

ROUNDS = sorted((Path(__file__).resolve().parents[2] / "reports/rounds").glob(f"*/{CLOSING}"))


def test_there_is_a_round_with_both_submissions_of_the_worked_example():
    rows = {path.stem for closing in ROUNDS for path in (closing.parent / ROWS).glob("*.json")}
    assert {"no_defense", "sft", "crowded_prompts", "known_organisms"} <= rows


@pytest.mark.parametrize("closing", ROUNDS, ids=lambda path: path.parent.name)
def test_a_committed_round_passes_and_every_edited_figure_fails(closing, tmp_path):
    folder = shutil.copytree(closing.parent, tmp_path / "round")
    hashes = read_record(Hashes, folder / DATA)
    passed = audit(folder, hashes, hashes)
    assert passed.n_remade == len(hashes) > 0 and passed.n_figures == len(passed.rows) * len(fields(Figures))
    opening, closed = read_record(Opening, folder / OPENING), read_record(Closing, folder / CLOSING)
    secret = revealed(opening, closed)
    for name in passed.rows:
        path = folder / ROWS / f"{name}.json"
        whole = path.read_text(encoding="utf-8")
        for figure in fields(Figures):
            content = json.loads(whole)
            content["figures"][figure.name] += 1
            path.write_text(json.dumps(content), encoding="utf-8")
            with pytest.raises(AuditError, match=rf"{name}\.json: {figure.name} is "):
                audit_row(folder, name, closed, secret)
        path.write_text(whole, encoding="utf-8")


@pytest.mark.parametrize("name", ["crowded_prompts", "known_organisms"])
def test_the_files_of_the_worked_example_are_those_that_the_round_scored(name):
    file = Path(__file__).resolve().parents[2] / f"stages/defenses/{name}.py"
    (row,) = (json.loads((closing.parent / ROWS / f"{name}.json").read_text(encoding="utf-8")) for closing in ROUNDS)
    assert row["submission"]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
