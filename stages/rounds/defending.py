"""The border between a round and submitted code: a file and a model go in, a defended model comes out.

This is the one place that a sandbox has to replace. As it stands the file runs in a process of its own, in a folder
that holds a copy of the code without any backdoor, what the access object is made of, and nothing else; with an empty
environment and a limit of time. That hides the secret from code that does not look for it. It is no sandbox: nothing
here stops code that opens other folders of the machine.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from stages.records.outcomes import OUTCOME_FILE, Outcome, read_outcome, write_outcome
from stages.rounds.dealing import EXAMPLES, MODEL, WEIGHTS, forget_times

SUBMISSION = "submission"  # what the file is called on its side of the border
CELL = f"{MODEL}--{SUBMISSION}"
CONTROL = "control"  # an organism that is named, since settings ask for one, and never made
HIDDEN = shutil.ignore_patterns("backdoors", "rounds", "__pycache__")
LAST = 300  # characters of what the process printed last


class Given(NamedTuple):
    """What a defense gets beside the model: settings of its own, those of the round, and data that all get alike."""

    settings: Mapping[str, Any]
    params: Mapping[str, Any]
    code: Path
    tokenizer: Path
    preference_model: Path
    seconds: float


def defend_model(submission: Path, model: Path, given: Given, out: Path) -> Outcome:
    """Run the submitted file on the dealt model in `model`; write what it made and its outcome into `out`.

    Missing, late or crashed output is an outcome with its reason, and counts as "survives".
    """
    with TemporaryDirectory() as name:
        place = Path(name)
        shutil.copytree(given.code, place / "stages", ignore=HIDDEN)
        shutil.copy(submission, place / "stages/defenses" / f"{SUBMISSION}.py")
        for source, target in ((model, MODEL), (given.tokenizer, "tokenizer"), (given.preference_model, "preference")):
            shutil.copytree(source, place / target)
        told = int(next((model / MODEL).iterdir()).name.removeprefix("seed-"))
        own = Path(MODEL) / f"seed-{told}"
        (place / "params.json").write_text(json.dumps(params_of_one(given, told)), encoding="utf-8")
        forget_times(place)
        failure = _run(place, given.seconds)
        outcome = Outcome(failure=failure) if failure else _take(place / "out" / own, model / own, out)
    write_outcome(outcome, out)
    return outcome


def params_of_one(given: Given, told_seed: int) -> dict[str, Any]:
    """Settings under which the stage `defend` defends one model of one seed with the submitted file."""
    organism = next(iter(given.params["organisms"].values()))
    size = organism["size"]
    organisms = {name: organism | {"n_seeds": 1, "sham": CONTROL} for name in (MODEL, CONTROL)}
    settings = dict(given.settings)
    arm = {"organism": MODEL, "defense": SUBMISSION, "settings": settings, "sham": f"{CONTROL}--{SUBMISSION}"}
    return {
        **given.params,
        "first_seed": told_seed,
        "sizes": {size: given.params["sizes"][size] | {"n_seeds": 1}},
        "organisms": organisms,
        "board": [CONTROL],
        "defenses": {SUBMISSION: settings},
        "arms": {CELL: arm},
    }


def _run(place: Path, seconds: float) -> str | None:
    """Why the stage `defend` made nothing in this folder; None where it ended well."""
    words = ["--params", "params.json", "--cell", CELL, "--organism", MODEL, "--examples", f"{MODEL}/{EXAMPLES}"]
    words += ["--tokenizer", "tokenizer", "--preference-model", "preference", "--out", "out"]
    command = subprocess.Popen(
        [sys.executable, "-m", "stages", "defend", *words],
        cwd=place,
        env={"PATH": os.defpath, "HOME": str(place)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        encoding="utf-8",
        errors="replace",
    )
    with command as process:
        try:
            _, said = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return f"not ready after {seconds:g} seconds"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return None if process.returncode == 0 else f"ended with {process.returncode}: {said.strip()[-LAST:]}"


def _take(made: Path, model: Path, out: Path) -> Outcome:
    """Copy the weights out of `made`, beside the settings of the dealt model; the outcome that is written there."""
    weights = made / "end" / WEIGHTS
    if not _is_plain(made / OUTCOME_FILE, made):
        return Outcome(failure="no output")
    try:
        outcome = read_outcome(made)
    except ValueError:
        return Outcome(failure="no output that can be read")
    if not outcome.failure and not _is_plain(weights, made):
        return Outcome(failure="no weights in its output")
    if not outcome.failure:
        shutil.copytree(model, out / "end", ignore=shutil.ignore_patterns(WEIGHTS, OUTCOME_FILE))
        shutil.copyfile(weights, out / "end" / WEIGHTS)
    return outcome


def _is_plain(path: Path, folder: Path) -> bool:
    """Whether it is a file that really lies in the folder."""
    return path.is_file() and path.resolve() == folder.resolve() / path.relative_to(folder)
