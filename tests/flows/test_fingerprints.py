"""Code as one dependency: what moves a stage, and that the file that moved is named, on a toy with two plug-ins."""

from pathlib import Path

import pytest

from flows.commands import PipelineError
from flows.lineage import lineage
from flows.pipeline import open_project
from flows.scheduler import expected_to_run
from tests.flows.toys import prune, run, run_module, set_params, toy_project
from tests.flows.waiting import await_end

# A file's imports are its lines; what stands behind a # is a comment.
FINGERPRINT = """\
import hashlib, json, sys
from pathlib import Path
def closure(path):
    code = [line for line in path.read_text().split() if "#" not in line]
    found = {str(path): hashlib.sha256(" ".join(code).encode()).hexdigest()}
    for line in code:
        found |= closure(Path("stages") / line)
    return found
out = Path(sys.argv[1])
for path in Path("stages").rglob("*.py"):
    name = out / path.relative_to("stages").with_suffix(".json")
    name = out / "judges" / name.name if "judges" in name.parts else name
    name.parent.mkdir(parents=True, exist_ok=True)
    if "lm" not in path.parts:
        name.write_text(json.dumps(dict(sorted(closure(path).items()))))
"""
DVC_YAML = """\
stages:
  fingerprint:
    cmd: python fingerprint.py data/code && python checked.py data/params.json
    deps: [stages]
    params: [rate, names]
    outs: [data/code, data/params.json]
  train:
    cmd: cp seed.txt data/models
    deps: [seed.txt, data/code/train.json]
    params: [{data/params.json: [rate]}]
    outs: [data/models]
  defend:
    foreach: ${names}
    do:
      cmd: mkdir -p data/answers/toy--${item} && cp data/models data/answers/toy--${item}/x
      deps: [data/models, data/code/defend.json, "data/code/defenses/${item}.json"]
      outs: ["data/answers/toy--${item}"]
  read:
    cmd: mkdir -p data/answers/toy && cp data/models data/answers/toy/x
    deps: [data/models]
    outs: [data/answers/toy]
  score:
    foreach: ${names}
    do:
      cmd: mkdir -p reports/results && cp data/answers/toy--${item}/x reports/results/toy--${item}.json
      deps: ["data/answers/toy--${item}", data/code/judges]
      outs: ["reports/results/toy--${item}.json"]
"""
CHECKED = """\
import json, sys, yaml
json.dump(yaml.safe_load(open("params.yaml")), open(sys.argv[1], "w"))
"""
FILES = {
    "fingerprint.py": FINGERPRINT,
    "checked.py": CHECKED,
    "stages/train.py": "lm/workers.py",
    "stages/defend.py": "lm/loop.py",
    "stages/lm/workers.py": "",
    "stages/lm/loop.py": "",
    "stages/defenses/sft.py": "",
    "stages/defenses/rl.py": "",
    "stages/scoring/judges/word.py": "",
}
ALL = ["fingerprint", "train", "defend@sft", "defend@rl", "read", "score@sft", "score@rl"]


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    folder = toy_project(tmp_path / "toy", DVC_YAML)
    set_params(folder, names="sft, rl")
    for name, text in FILES.items():
        write(folder, name, text)
    return folder


@pytest.fixture
def done(toy: Path) -> Path:
    assert set(run(toy).values()) == {"executed"}
    return toy


def stale(folder: Path) -> dict[str, list[str]]:
    """What a dry run would say, and that it changes nothing."""
    with open_project(folder) as project:
        project.foresee()
        return {name: project.changes(name) for name in expected_to_run(project, project.select([]))}


def test_an_edit_moves_the_stages_whose_closure_holds_it_and_is_named(done: Path) -> None:
    write(done, "stages/lm/loop.py", "x.py")
    write(done, "stages/x.py", "")
    found = stale(done)
    assert found.pop("fingerprint") == ["changed deps: stages"]
    assert found == {
        "defend@sft": ["changed deps: stages/lm/loop.py, stages/x.py (added)"],
        "defend@rl": ["changed deps: stages/lm/loop.py, stages/x.py (added)"],
        "score@sft": [],
        "score@rl": [],
    }
    outcomes = run(done)
    assert [name for name in ALL if outcomes[name] == "executed"] == ["fingerprint", "defend@sft", "defend@rl"]
    write(done, "stages/lm/loop.py", "")
    assert stale(done)["defend@rl"] == ["changed deps: stages/lm/loop.py, stages/x.py (removed)"]


def test_a_comment_moves_nothing_but_the_fingerprints(done: Path) -> None:
    write(done, "stages/lm/workers.py", "#why")
    assert list(stale(done)) == ["fingerprint"]
    heard: list[str] = []
    outcomes = run(done, tell=lambda run, name, *rest: heard.append(name))
    assert set(heard) == {"fingerprint"} and outcomes["fingerprint"] == "executed"
    assert {outcomes[name] for name in ALL[1:]} == {"unchanged"}


def test_a_parameter_moves_what_reads_it_through_the_checked_file_and_is_named(done: Path) -> None:
    set_params(done, names="sft, rl", rate="2")
    found = stale(done)
    assert found["fingerprint"] == ["changed deps: params.yaml: rate"]
    assert found["train"] == ["changed deps: params.yaml: rate"]
    set_params(done, names="sft, rl")
    assert stale(done) == {}


def test_a_plug_in_moves_its_own_cells_and_a_folder_of_them_what_reads_it(done: Path) -> None:
    write(done, "stages/defenses/rl.py", "lm/loop.py")
    write(done, "stages/scoring/judges/other.py", "lm/loop.py")
    judges = "changed deps: stages/lm/loop.py (added), stages/scoring/judges/other.py (added)"
    assert stale(done) == {
        "fingerprint": ["changed deps: stages"],
        "defend@rl": ["changed deps: stages/defenses/rl.py, stages/lm/loop.py (added)"],
        **dict.fromkeys(("score@sft", "score@rl"), [judges]),
    }


def test_code_that_changes_while_its_fingerprints_are_made_moves_its_stages_all_the_same(done: Path) -> None:
    write(done, "stages/defend.py", "lm/loop.py lm/workers.py")
    assert "train" not in stale(done)
    write(done, "stages/train.py", "")
    assert run(done)["train"] == "executed"


def test_code_that_cannot_be_read_fails_the_fingerprints_alone(done: Path) -> None:
    write(done, "stages/train.py", "nowhere.py")
    with pytest.raises(
        PipelineError, match=r"(?s)stage 'fingerprint' failed.*No such file.*not run because of that: train"
    ):
        run(done)
    write(done, "stages/train.py", "lm/workers.py")
    assert set(run(done).values()) <= {"cached", "unchanged"}


def test_an_old_lock_that_lists_modules_gets_one_whole_run(toy: Path) -> None:
    write(
        toy,
        "dvc.yaml",
        "stages: {train: {cmd: cp seed.txt data/models, deps: [seed.txt, stages/train.py], outs: [data/models]}}",
    )
    run(toy)
    write(toy, "dvc.yaml", DVC_YAML)
    assert stale_of_all(toy) == ALL
    assert set(run(toy).values()) == {"executed"}
    assert set(run(toy).values()) == {"unchanged"} and prune(toy) == []


def stale_of_all(folder: Path) -> list[str]:
    with open_project(folder) as project:
        project.foresee()
        assert project.changes("train") == ["changed deps: data/code/train.json, data/params.json"]
        return expected_to_run(project, project.select([]))


def test_stages_whose_closure_starts_workers_run_models(toy: Path) -> None:
    with open_project(toy) as project:
        assert not project.runs_models("train")
        run_in = project.select([])
    assert run_in == ALL
    run(toy, "fingerprint")
    with open_project(toy) as project:
        assert [name for name in ALL if project.runs_models(name)] == ["train"]


@pytest.mark.parametrize(("name", "known"), [("rll", "defenses/: rl, sft"), ("word", "defenses/: rl, sft")])
def test_a_defense_without_a_file_is_named_before_anything_runs(toy: Path, name: str, known: str) -> None:
    set_params(toy, names=f"sft, {name}")
    guess = "; did you mean 'rl'?" if name == "rll" else "."
    with pytest.raises(PipelineError) as caught:
        run(toy)
    assert f"stage 'defend@{name}': no file in defenses/ for '{name}'{guess} Known in {known}. Mend" in str(
        caught.value
    )
    assert not (toy / "data/code").exists()


def test_the_lineage_of_a_row_names_its_code_also_where_it_has_moved_since(done: Path) -> None:
    before = rows(done)
    for path in ("stages/defend.py", "stages/lm/loop.py", "stages/defenses/sft.py", "stages/scoring/judges/word.py"):
        assert before.count(f"  {path}\n") == 1, before
    assert "data/code" not in before and "stages/defenses/rl.py" not in before
    write(done, "stages/lm/loop.py", "lm/workers.py")
    run(done, "fingerprint")
    assert rows(done) == before


def rows(folder: Path) -> str:
    """Of what rests on the code, not of the fingerprints themselves."""
    return lineage(folder, "sft").partition("  train\n")[2] + "\n"


def test_a_dry_run_names_the_file_that_moved(done: Path) -> None:
    write(done, "stages/train.py", "")
    dry = run_module(done, "flows.benchmark", "--dry-run")
    output = await_end(dry)
    assert "would run train: changed deps: stages/lm/workers.py (removed), stages/train.py" in output, output
    assert "7 of 7 stages would run" in output and dry.returncode == 0
