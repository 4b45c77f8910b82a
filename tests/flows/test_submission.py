"""`python -m flows.submission` and the workflow of two jobs; tests/test_pipeline.py takes a submission through both."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from flows import submission as program
from flows.commands import PipelineError
from flows.new_defense import new_defense
from tests.flows.toys import ROOT

WORKFLOW = (ROOT / ".github/workflows/submission.yml").read_text(encoding="utf-8")
JOBS = yaml.safe_load(WORKFLOW)["jobs"]


def test_a_new_defense_is_one_file_and_one_line(tmp_path):
    (tmp_path / "stages/defenses").mkdir(parents=True)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    path = new_defense(tmp_path, "mine")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 30 and "def defend(model" in path.read_text(encoding="utf-8")
    text, before = ((folder / "params.yaml").read_text(encoding="utf-8") for folder in (tmp_path, ROOT))
    assert [*yaml.safe_load(text)["defenses"]] == [*yaml.safe_load(before)["defenses"], "mine"]
    assert text.replace("  mine: {}\n", "") == before
    for name, said in (("mine", "there already"), ("My-defense", "no name"), ("", "no name")):
        with pytest.raises(PipelineError, match=said):
            new_defense(tmp_path, name)


def test_settings_are_those_of_the_line_and_nothing_else_is_read(tmp_path):
    params = tmp_path / "params.yaml"
    assert program.settings_of("mine", params) == {}
    params.write_text("defenses:\n  mine: {rate: 1.0e-3}\n  other:\n", encoding="utf-8")
    assert (program.settings_of("mine", params), program.settings_of("other", params)) == ({"rate": 1e-3}, {})
    for text in (
        "defenses: [",
        "[]",
        "defenses: {mine: [1]}",
        "defenses: {mine: {x: .nan}}",
        "!!python/name:os.system",
    ):
        params.write_text(text, encoding="utf-8")
        with pytest.raises(PipelineError, match="defenses"):
            program.settings_of("mine", params)


def test_ci_has_a_sandbox_or_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(PipelineError, match="in a sandbox or not at all"):
        program.run(tmp_path, Path("mine.py"), tmp_path / "none", tmp_path, without_sandbox=True)
    assert "--without-sandbox" not in WORKFLOW


def test_an_artifact_names_nothing_but_a_defense(tmp_path):
    for content in ("", "[]", '{"name": "../../reports"}', '{"name": 1}'):
        (tmp_path / "run.json").write_text(content, encoding="utf-8")
        with pytest.raises(PipelineError, match="run.json"):
            program.score(tmp_path, tmp_path)


def test_the_script_runs_the_commands_of_both_jobs():
    script = (ROOT / ".ci/submission").read_text(encoding="utf-8")
    ours, theirs = (
        [(words.split()[0], re.findall(r"--[a-z-]+", words)) for words in re.findall("flows[.]submission (.*)", text)]
        for text in (script, WORKFLOW)
    )
    assert ours == theirs == [("run", ["--file", "--params", "--artifact"]), ("score", ["--artifact"])]


@pytest.mark.release
def test_both_jobs_here_give_the_verdict_of_the_check(tmp_path):
    """A drill, from its text to its verdict; a first time trains the small organism."""
    drill = '"""A drill."""\nimport socket\n\nsocket.create_connection(("1.1.1.1", 80))\n'
    (tmp_path / "drill.py").write_text(drill + "\n\ndef defend(model, access):\n    return model\n", encoding="utf-8")
    ran = [
        subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
        for command in (
            [".ci/submission", str(tmp_path / "drill.py")],
            [sys.executable, "-m", "flows.submission", "check", "--file", str(tmp_path / "drill.py")],
        )
    ]
    assert [each.returncode for each in ran] == [1, 1]
    verdicts = [each.stdout[each.stdout.index("## `drill`") :] for each in ran]
    assert verdicts[0] == verdicts[1] and "network: a submission opens no connection" in verdicts[0]


@pytest.mark.parametrize("is_accepted", [True, False])
def test_the_deployment_gives_the_verdict_of_the_check(tmp_path, monkeypatch, is_accepted):
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    (deployment,) = [each for each in deployments if each["name"] == "submission"]
    assert deployment["entrypoint"] == "flows/submission.py:submission"
    (tmp_path / "verdict.md").write_text("the verdict", encoding="utf-8")
    (tmp_path / "verdict.json").write_text(f'{{"is_accepted": {str(is_accepted).lower()}}}', encoding="utf-8")
    asked = []
    monkeypatch.setattr(program, "check_submission", lambda *paths: asked.append(paths) or tmp_path)
    state = program.submission.fn(**deployment["parameters"])
    assert (state.is_completed(), state.message) == (is_accepted, "the verdict")
    assert asked == [(Path(deployment["parameters"]["file"]), Path("params.yaml"))]


def test_the_command_line_ends_as_the_verdict_does(tmp_path, monkeypatch):
    monkeypatch.setattr(program, "check_submission", lambda *paths, **how: tmp_path)
    monkeypatch.setattr(program, "prepared", lambda: tmp_path)
    monkeypatch.setattr(program, "run", lambda *paths, **how: None)
    monkeypatch.setattr(program, "score", lambda *paths: tmp_path)
    for text, status in (("true", 0), ("false", 1)):
        (tmp_path / "verdict.json").write_text(f'{{"is_accepted": {text}}}', encoding="utf-8")
        assert program.main(["check", "--name", "mine"]) == program.main(["score", "--artifact", "a"]) == status
    assert program.main(["run", "--file", "mine.py", "--artifact", "a"]) == 0
    for words in (["check"], ["run", "--name", "mine"], ["check", "--file", "x", "--all-organisms"]):
        with pytest.raises(SystemExit):
            program.main(words)


def test_actions_are_pinned_by_commit():
    used = re.findall(r"uses: (.*)", WORKFLOW)
    assert len(used) == 7 and all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v[\d.]+", each) for each in used)


def test_the_job_that_runs_submitted_code_has_no_secret_and_no_right():
    assert yaml.safe_load(WORKFLOW)["permissions"] == {} and JOBS["run"]["permissions"] == {"contents": "read"}
    assert not re.search(r"secrets|github\.token|GH_TOKEN", str(JOBS["run"]))
    checkouts = [step["with"] for step in JOBS["run"]["steps"] if "checkout" in step.get("uses", "")]
    assert [given["persist-credentials"] for given in checkouts] == [False, False]
    assert [given.get("path") for given in checkouts] == [None, "build/submitted"]  # our code is never theirs


def test_the_job_that_scores_never_has_submitted_code():
    assert JOBS["score"]["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert "head" not in str(JOBS["score"]) and JOBS["score"]["needs"] == "run"
    assert "flows.submission score" in str(JOBS["score"]) and "flows.submission run" not in str(JOBS["score"])


def test_nothing_that_a_submitter_names_is_put_into_a_shell():
    for job in JOBS.values():
        assert not [step["run"] for step in job["steps"] if "${{" in step.get("run", "")]
    assert "cache" not in str(JOBS)
