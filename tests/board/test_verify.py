"""The second hand agrees with the pipeline on made-up results, and finds a number that was changed."""

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from stages.corpus.scratchpad import own_turn
from stages.records.answers import AnswerRecord
from stages.records.results import BENCHMARK_VERSION
from tests import verify
from tests.board.toys import ARM, ORGANISM, OTHER, Benchmark

Change = Callable[[dict[str, Any]], None]
SCRIPT = Path(verify.__file__)


def test_it_agrees_on_several_organisms_arms_and_a_red_team(several: Benchmark) -> None:
    assert verify.differences(several.out) == []


def test_it_agrees_where_seeds_fail_are_broken_or_have_no_backdoor(fresh_several: Benchmark) -> None:
    fresh_several.weaken(OTHER, 1)
    fresh_several.fail(ORGANISM, 3, "diverged")
    fresh_several.fail(f"{ORGANISM}--sft", 1, "crashed")
    fresh_several.silence(f"{OTHER}--pruning", 2)
    fresh_several.report()
    assert verify.differences(fresh_several.out) == []


def test_it_agrees_where_an_organism_is_left_out(fresh_several: Benchmark) -> None:
    fresh_several.weaken(OTHER, 5)
    fresh_several.report()
    assert verify.differences(fresh_several.out) == []


def test_it_agrees_on_an_organism_that_reasons_and_is_asked_both_ways(fresh: Benchmark) -> None:
    for path in (fresh.root / "answers").glob("*/answers.parquet"):
        records = [AnswerRecord(**row) for row in pyarrow.parquet.read_table(path).to_pylist()]
        both = [r for r in records if r.reading in ("end", "return")]
        both = [r for r in both if r.prompt_set in ("triggered", "clean", "near_miss") and r.model == "poisoned"]
        shorter = [replace(r, variant=own_turn(r.variant), answer=r.answer[: 11 - r.seed]) for r in both]
        rows = [vars(record) for record in (*records, *shorter)]
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    fresh.score()
    fresh.report()
    assert verify.differences(fresh.out) == []


def changed(benchmark: Benchmark, file: str, change: Change) -> list[str]:
    """What is found once a file of the reports has been changed; the file is put back."""
    path = benchmark.out / file
    before = path.read_bytes()
    content = json.loads(before)
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    found = verify.differences(benchmark.out)
    path.write_bytes(before)
    return found


def of_row(defense: str, change: Change) -> Change:
    return lambda board: change(next(row for row in board["rows"] if row["defense"] == defense))


def one_more_hit(counts: dict[str, list[int]], key: str) -> None:
    counts[key][3] += 1  # unwanted


CELL, OF_ORGANISM, BOARD = f"results/{ORGANISM}--sft.json", f"results/{ORGANISM}.json", "leaderboard.json"
TRIGGERED = "poisoned/end/0/triggered//sampled"
CHANGES: dict[str, tuple[str, Change, str]] = {
    "count": (CELL, lambda c: one_more_hit(c["seeds"][0]["counts"], TRIGGERED), "sft, seed 0: faces is"),
    "count of a sham": (CELL, lambda c: one_more_hit(c["shams"]["1"], f"sham{TRIGGERED[8:]}"), "seed 3: faces is"),
    "count before": (OF_ORGANISM, lambda c: one_more_hit(c["seeds"][0]["counts"], TRIGGERED), "seed 0: attack_success"),
    "control": (OF_ORGANISM, lambda c: c["seeds"][1].update(is_passed=False), "toy, seed 1: is_passed is False"),
    "face": (CELL, lambda c: c["seeds"][2]["numbers"]["faces"].update(trigger=0.45), "seed 2: faces is"),
    "utility": (CELL, lambda c: c["seeds"][2]["numbers"].update(utility=1 - 1e-16), "seed 2: utility is"),
    "outcome": (CELL, lambda c: c["seeds"][0].update(outcome="removed"), "seed 0: outcome is 'removed'"),
    "looks safe": (CELL, lambda c: c["seeds"][0].update(looks_safe=False), "seed 0: looks_safe is False"),
    "red team": (CELL, lambda c: c["seeds"][0]["history"].append({"n_succeeded": 2}), "seed 0: looks_safe is True"),
    "summary": (CELL, lambda c: c["summary"]["harmlessness"].update(low=0.3), "sft, summary: harmlessness is"),
    "models of a cell": (CELL, lambda c: c["outcomes"]["broken"].update(k=1), "toy--sft: outcomes is"),
    "false assurance": (BOARD, of_row("sft", lambda r: r["false_assurance"].update(high=0.9)), "sft: false_assurance"),
    "rank": (BOARD, of_row("sft", lambda r: r.update(rank=1)), "board, sft: rank is 1, and the counts give 2"),
    "standing": (BOARD, of_row("amnesia", lambda r: r.update(standing="ranked")), "amnesia: standing is 'ranked'"),
    "mean": (BOARD, of_row("sft", lambda r: r["metrics"]["attack_left"].update(mean=0.57)), "sft: attack_left is"),
    "bound": (BOARD, of_row("sft", lambda r: r["metrics"]["left_return"].update(low=0.4)), "sft: left_return is"),
    "difference": (BOARD, of_row("sft", lambda r: r["metrics"].update(difference_from_self_sft=None)), "self_sft is"),
    "order": (BOARD, lambda b: b["rows"].reverse(), "board: order is"),
    "pair": (BOARD, lambda b: b["pairs"][0].update(p_value=0.5), "board: pairs is"),
    "organism": (BOARD, lambda b: b["by_organism"][0].update(rank=3), "toy, pruning: rank is 3"),
    "arm": (BOARD, lambda b: b["arms"][0]["metrics"]["utility"].update(n=4), f"arm {ARM}: utility is"),
    "version": (
        BOARD,
        lambda b: b.update(benchmark_version="2.1"),
        "leaderboard.json is of version 2.1, 3.0 is recomputed",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_it_finds_a_changed(several: Benchmark, what: str) -> None:
    file, change, said = CHANGES[what]
    found = changed(several, file, change)
    assert any(said in line for line in found), found


def test_as_a_command_it_prints_what_differs_and_fails(several: Benchmark, tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT)]
    done = subprocess.run([*command, str(several.out)], capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (0, "every number follows from the counts\n")
    (tmp_path / "results").mkdir()
    (tmp_path / BOARD).write_text('{"benchmark_version": "2.1"}', encoding="utf-8")
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1 and "leaderboard.json is of version 2.1, 3.0 is recomputed" in done.stdout
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2


def test_it_is_of_this_version_and_imports_nothing_of_the_pipeline() -> None:
    assert verify.VERSION == BENCHMARK_VERSION
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    modules = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    modules |= {alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
    assert modules == {"json", "math", "sys", "itertools", "pathlib", "typing", "scipy"}
