"""Profiles: how parameters merge, and what a prepared folder holds."""

import json
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from flows.commands import PipelineError
from flows.pipeline import locked
from flows.profiles import prepare_profile

PARAMS = "# why\nsteps: 100\nlm: {depth: 4, heads: [1, 2]}\ndefenses:\n  none: {}\n  prune: {fraction: 1e-05}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    files = {
        "params.yaml": PARAMS,
        "dvc.lock": "schema: '2.0'\n",
        ".gitignore": "build/\n/data/out\n.dvc/cache/\n",
        "stages/a.py": "A = 1\n",
        "reports/results/x.json": "{}",
        ".dvc/config": "[core]\n    analytics = false\n    autostage = false\n",
        "data/out": "an output\n",
        "flows/overrides/smoke.yaml": "steps: 2\nlm: {heads: [1]}\ndefenses: {prune: null, new: {x: 1}}\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def test_the_folder_holds_the_files_and_merged_parameters_but_no_results(project: Path) -> None:
    folder = prepare_profile(project, "smoke")
    assert folder == (project / "build" / "smoke").resolve()
    text = (folder / "params.yaml").read_text(encoding="utf-8")
    assert text.startswith("# why\nsteps: 2\n")
    assert YAML(typ="safe").load(text)["defenses"] == {"none": {}, "new": {"x": 1}}
    assert (folder / "stages" / "a.py").read_text(encoding="utf-8") == "A = 1\n"
    assert not any((folder / name).exists() for name in ("dvc.lock", "reports", "data", "build"))
    with locked(folder) as repo:
        assert repo.config["core"]["no_scm"] and not repo.config["core"]["analytics"]


def test_submissions_are_those_whose_defenses_and_cells_the_profile_has(project: Path) -> None:
    cell = {"organism": "toy", "entries": {"twice": {"by": "Ann"}}}
    sent = {
        "submitted": {"none": {"by": "Bob"}, "prune": {"by": "Cy"}},
        "weighed": {"toy--none": {"organism": "toy"}, "toy--prune": {"organism": "toy"}},
        "breaks": {"toy--none": cell, "toy--prune": cell, "other--none": cell},
    }
    (project / "flows/submissions.yaml").write_text(json.dumps(sent), encoding="utf-8")
    (project / "params.yaml").write_text(f"{PARAMS}board: [toy]\n", encoding="utf-8")
    folder = prepare_profile(project, "smoke")
    kept = YAML(typ="safe").load((folder / "flows/submissions.yaml").read_text(encoding="utf-8"))
    weighed = {"toy--none": {"organism": "toy"}}
    assert kept == {"submitted": {"none": {"by": "Bob"}}, "weighed": weighed, "breaks": {"toy--none": cell}}


def test_folders_that_a_stage_reads_whole_are_there_before_a_run(project: Path) -> None:
    (project / "reports/breaks").mkdir()
    (project / "reports/breaks/.gitkeep").touch()
    folder = prepare_profile(project, "smoke")
    assert [path.name for path in (folder / "reports").rglob("*")] == ["breaks", ".gitkeep"]


def test_preparing_again_keeps_what_was_generated_and_the_times_of_what_did_not_change(project: Path) -> None:
    folder = prepare_profile(project, "smoke")
    for name in ("dvc.lock", "data/out", "reports/results/x.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("of this profile", encoding="utf-8")
    names = ("dvc.lock", "data/out", "reports/results/x.json", "stages/a.py")
    before = [((folder / name).stat().st_mtime_ns, (folder / name).read_text(encoding="utf-8")) for name in names]
    prepare_profile(project, "smoke")
    assert [
        ((folder / name).stat().st_mtime_ns, (folder / name).read_text(encoding="utf-8")) for name in names
    ] == before


def test_a_file_removed_from_the_project_is_removed_from_the_folder(project: Path) -> None:
    folder = prepare_profile(project, "smoke")
    (project / "stages" / "a.py").rename(project / "stages" / "b.py")
    prepare_profile(project, "smoke")
    assert [path.name for path in (folder / "stages").iterdir()] == ["b.py"]


def test_an_unknown_profile_is_answered_with_the_known_ones(project: Path) -> None:
    with pytest.raises(
        PipelineError, match="no profile 'smoek'; did you mean 'smoke'. Known in flows/overrides/: smoke"
    ):
        prepare_profile(project, "smoek")


@pytest.mark.parametrize("name", ["../overrides/smoke", "sub/smoke", "..", "", "folder", "smoke.yaml"])
def test_a_profile_is_a_name_and_no_path(project: Path, name: str) -> None:
    (project / "flows/overrides/folder.yaml").mkdir()
    with pytest.raises(PipelineError, match="no profile '.*Known in flows/overrides/: smoke"):
        prepare_profile(project, name)
    assert not (project / "build").exists()


def test_a_folder_with_foreign_files_is_refused(project: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(PipelineError, match="holds files that no profile put there"):
        prepare_profile(project, "smoke", tmp_path / "mine")


def test_outside_git_the_error_says_so(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (project / ".git").rename(tmp_path / "git")
    with pytest.raises(PipelineError, match="`git ls-files` failed in .*: fatal: not a git repository"):
        prepare_profile(project, "smoke")


def test_the_folder_of_a_profile_is_left_alone_while_a_run_is_in_it(project: Path) -> None:
    folder = prepare_profile(project, "smoke")
    (folder / ".dvc" / "tmp").mkdir(exist_ok=True)
    (project / "stages/a.py").write_text("A = 2\n", encoding="utf-8")
    with locked(folder), pytest.raises(PipelineError, match="holds DVC's lock"):
        prepare_profile(project, "smoke")
    assert (folder / "stages/a.py").read_text(encoding="utf-8") == "A = 1\n"
    prepare_profile(project, "smoke")
    assert (folder / "stages/a.py").read_text(encoding="utf-8") == "A = 2\n"


def test_a_clone_that_somebody_else_owns_is_prepared(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # of git, for its own tests
    refused = subprocess.run(["git", "status"], cwd=project, capture_output=True, encoding="utf-8")
    assert "dubious ownership" in refused.stderr
    assert (prepare_profile(project, "smoke") / "stages/a.py").exists()
