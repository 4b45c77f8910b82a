"""A row's lineage names every stage it rests on, with command, settings, code and hashes, and no other."""

import subprocess

import pytest
import yaml

from flows.commands import PipelineError
from flows.lineage import lineage
from tests.flows.toys import run_module
from tests.flows.waiting import await_end

LOCK = {
    "stages": {
        "make_corpus": {"cmd": "make it", "outs": [{"path": "data/corpus", "md5": "c" * 32}]},
        "defend@toy-sft": {
            "cmd": "defend it",
            "deps": [
                {"path": "data/corpus/defense.parquet", "md5": "d" * 32},
                {"path": "data/code/defend.json", "md5": "e" * 32},
            ],
            "params": {"params.yaml": {"defenses.sft": {"learning_rate": 0.001}}},
            "outs": [{"path": "data/defended/toy--sft", "md5": "f" * 32}],
        },
        "evaluate@toy-sft": {
            "cmd": "evaluate it",
            "deps": [{"path": "data/defended/toy--sft", "md5": "f" * 32}],
            "outs": [{"path": "data/answers/toy--sft", "md5": "a" * 32}],
        },
        "evaluate_organism@toy": {"cmd": "read it", "outs": [{"path": "data/answers/toy", "md5": "9" * 32}]},
        "score_organism@toy": {
            "cmd": "score the organism",
            "deps": [{"path": "data/answers/toy", "md5": "9" * 32}],
            "outs": [{"path": "reports/results/toy.json", "md5": "8" * 32}],
        },
        "score@toy-sft": {
            "cmd": "score it",
            "deps": [
                {"path": "data/answers/toy--sft", "md5": "a" * 32},
                {"path": "reports/results/toy.json", "md5": "8" * 32},
            ],
            "outs": [{"path": "reports/results/toy--sft.json", "md5": "7" * 32}],
        },
        "evaluate@toy-other": {"cmd": "no", "outs": [{"path": "data/answers/toy--other", "md5": "b" * 32}]},
        "score@toy-other": {
            "cmd": "no",
            "deps": [{"path": "data/answers/toy--other", "md5": "b" * 32}],
            "outs": [{"path": "reports/results/toy--other.json", "md5": "6" * 32}],
        },
    }
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump(LOCK, sort_keys=False), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("row", ["sft", "toy--sft"])
def test_a_row_names_all_it_rests_on_and_nothing_else(folder, row):
    text = lineage(folder, row)
    assert "toy--sft: reports/results/toy--sft.json, computed by `score@toy-sft` from" in text
    places = [
        text.index(f"  {name}\n")
        for name in (
            "make_corpus",
            "defend@toy-sft",
            "evaluate@toy-sft",
            "evaluate_organism@toy",
            "score_organism@toy",
            "score@toy-sft",
        )
    ]
    assert places == sorted(places) and "toy-other" not in text
    assert "setting   defenses.sft = {'learning_rate': 0.001}" in text
    assert f"code      {'e' * 12}  data/code/defend.json" in text  # what it said is not in this clone's cache
    assert f"data      {'d' * 12}  data/corpus/defense.parquet" in text
    assert "in no commit" in text


def test_the_commit_of_the_lock_is_named_and_a_change_since_whoever_owns_the_clone(folder, monkeypatch):
    def git(*words):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        return subprocess.run(
            ["git", *identity, *words], cwd=folder, check=True, capture_output=True, encoding="utf-8"
        ).stdout

    git("init")
    git("add", "dvc.lock")
    git("commit", "-m", "lock")
    commit = git("rev-parse", "HEAD").strip()
    assert f"dvc.lock: commit {commit}\n" in lineage(folder, "sft")
    with (folder / "dvc.lock").open("a", encoding="utf-8") as file:
        file.write("# more\n")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # of git, for its own tests
    assert f"commit {commit}, changed since" in lineage(folder, "sft")


def test_an_unknown_row_is_an_error_with_a_guess(folder):
    with pytest.raises(PipelineError, match="no row 'stf'; did you mean 'sft'"):
        lineage(folder, "stf")
    asked = run_module(folder, "flows.lineage", "stf")
    assert await_end(asked).startswith("error: no row") and asked.returncode == 1


def test_without_a_lock_the_way_on_is_named(tmp_path):
    with pytest.raises(PipelineError, match="make repro"):
        lineage(tmp_path, "sft")
