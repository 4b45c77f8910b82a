"""The first half of a submission's way: its code runs in a sandbox on every model, and nothing is judged.

What is kept is the file, what each sandbox sent, and `run.json`. The second half (`scored.py`) trusts none of it.
"""

import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.params.defenses import Settings
from stages.records.files import write_json
from stages.submission.reading import read_submission
from stages.submission.rules import RuleBroken
from stages.submission.sandbox import Limits, Ran, run
from stages.submission.staging import Given, Submission, stage

YARDSTICK = "sft"  # its processor time is the unit
TIMES_YARDSTICK = 8  # what a submission may take, at the same budget: twice what `rl` does, the dearest (docs/log.md)
SECONDS, CPU_SECONDS = 3600.0, 3600  # of the yardstick itself
MEMORY = 8 * 2**30  # of addresses, of which torch alone reserves three
REPEATED = "repeated"
MiB = 2**20


@dataclass(frozen=True)
class ModelRun:
    """One run: of which model, the verdict where the sandbox ended it, and its processor time."""

    model: str
    seed: int
    verdict: str | None
    cpu_seconds: float | None
    printed: str


@dataclass(frozen=True)
class Run:
    """The content of run.json; `verdict` where the file itself broke a rule, and nothing ran."""

    name: str
    settings: Settings
    is_sandboxed: bool
    verdict: str | None
    yardstick_cpu_seconds: float | None
    models: tuple[ModelRun, ...]


def run_submission(
    file: Path,
    settings: Settings,
    yardstick: Settings,
    given: Given,
    models: Sequence[tuple[str, int]],
    out: Path,
    *,
    is_sandboxed: bool = True,
) -> Run:
    """Run the submission on all `models`, and on the first of them twice; write all into `out`."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    ran = Run(file.stem, settings, is_sandboxed, None, None, ())
    try:
        submission = read_submission(file, settings)
        shutil.copyfile(file, out / file.name)
        ran = replace(ran, **_run_models(submission, yardstick, given, models, out, is_sandboxed))
    except RuleBroken as verdict:
        ran = replace(ran, verdict=str(verdict))
    write_json(ran, out / "run.json")
    return ran


def _run_models(
    submission: Submission,
    yardstick: Settings,
    given: Given,
    models: Sequence[tuple[str, int]],
    out: Path,
    is_sandboxed: bool,
) -> dict[str, object]:
    plain = Submission(YARDSTICK, given.stages / f"defenses/{YARDSTICK}.py", yardstick, frozenset())
    limits = limits_for(given.organism / f"{models[0][0]}/seed-{models[0][1]}", len(given.access.checkpoints))
    with TemporaryDirectory() as folder:
        unit = run_model(plain, given, *models[0], Path(folder) / "sent", limits, is_sandboxed=is_sandboxed)
    if unit.verdict or unit.cpu_seconds is None:
        raise RuntimeError(f"{YARDSTICK} itself does not run in the sandbox: {unit.verdict}\n{unit.printed}")
    limits = limits._replace(cpu_seconds=ceil(TIMES_YARDSTICK * unit.cpu_seconds))

    def run_one(model: str, seed: int, sent: Path) -> ModelRun:
        ran = run_model(submission, given, model, seed, sent, limits, is_sandboxed=is_sandboxed)
        return ModelRun(model, seed, ran.verdict, ran.cpu_seconds, ran.printed)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        again = pool.submit(run_one, *models[0], out / f"{REPEATED}.tar")
        made = [pool.submit(run_one, *each, out / "{}-{}.tar".format(*each)) for each in models]
    again.result()
    runs = tuple(each.result() for each in made)
    return {"yardstick_cpu_seconds": round(unit.cpu_seconds, 2), "models": runs}


def run_model(
    submission: Submission, given: Given, model: str, seed: int, sent: Path, limits: Limits, *, is_sandboxed: bool
) -> Ran:
    """Run the submission on one model; what it sends is in `sent`."""
    with TemporaryDirectory() as folder:
        return run(stage(submission, given, model, seed, Path(folder)), sent, limits, is_sandboxed=is_sandboxed)


def limits_for(model: Path, n_checkpoints: int) -> Limits:
    """The limits for a model of this size: room for all that the contract lets a defense save, and as much again."""
    room = 2 * (n_checkpoints + 2) * (model / "model.safetensors").stat().st_size + 64 * MiB
    return Limits(SECONDS, CPU_SECONDS, MEMORY, room, room)
