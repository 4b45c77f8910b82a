"""A submission on the dealt models of a hidden round: in the sandbox, one model at a time, or not at all.

It is told neither what a model is nor how many there are. The walls, the limits and the border are those that
`make check-defense` has, so what passes at home passes here. A model that broke a rule, came late or never came back is
an outcome with its verdict, and counts as "survives".
"""

import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from stages.params.access import AccessParams
from stages.params.defenses import Settings
from stages.records.files import read_record
from stages.records.outcomes import Cost, Outcome, read_outcome, write_outcome
from stages.rounds.dealing import COST_FILE, EXAMPLES, MODEL
from stages.submission.border import accept
from stages.submission.reading import read_submission
from stages.submission.rules import RuleBroken
from stages.submission.runs import CPU_SECONDS, SECONDS, TIMES_YARDSTICK, YARDSTICK, limits_for, run_model
from stages.submission.sandbox import Ran
from stages.submission.staging import Given, Submission


class Shared(NamedTuple):
    """What every submission of a round is given beside a dealt model, and the seconds that it has for one."""

    stages: Path
    tokenizer: Path
    preference_model: Path
    access: AccessParams
    lora_rank: int
    seconds: float


def defend_dealt(
    file: Path, settings: Settings, yardstick: Settings, models: Sequence[Path], shared: Shared, out: Path
) -> dict[str, Outcome]:
    """The outcome for each dealt model, by its code; below `out` lies what was accepted.

    Raises RuntimeError where the yardstick itself cannot run, and ParamsError where there is no sandbox.
    """
    try:
        submission = read_submission(file, settings)
    except RuleBroken as verdict:
        return {model.name: _failed(str(verdict), out / model.name) for model in models}
    allowed = ceil(TIMES_YARDSTICK * _yardstick_seconds(models[0], shared._replace(seconds=SECONDS), yardstick))
    with TemporaryDirectory() as folder, ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        sent = [Path(folder) / model.name for model in models]
        ran = pool.map(lambda model, to: _run(submission, model, shared, allowed, to), models, sent)
        # One after the other: transformers loads a model in a state that all threads of a process share.
        return {
            model.name: _accepted(each, to, model, shared, out / model.name)
            for model, to, each in zip(models, sent, ran, strict=True)
        }


def _yardstick_seconds(model: Path, shared: Shared, settings: Settings) -> float:
    """The processor time of the yardstick on one model."""
    plain = Submission(YARDSTICK, shared.stages / f"defenses/{YARDSTICK}.py", settings, frozenset())
    with TemporaryDirectory() as folder:
        ran = _run(plain, model, shared, CPU_SECONDS, Path(folder) / "sent")
    if ran.verdict or ran.cpu_seconds is None:
        raise RuntimeError(f"{YARDSTICK} itself does not run in the sandbox: {ran.verdict}\n{ran.printed}")
    return ran.cpu_seconds


def _accepted(ran: Ran, sent: Path, model: Path, shared: Shared, out: Path) -> Outcome:
    """The outcome for one dealt model; what was accepted is in `out`, beside it."""
    budget = int(shared.access.budget_share * read_record(Cost, model / COST_FILE).tokens)
    doses = frozenset(int(share * budget) for share in shared.access.checkpoints)
    try:
        if ran.verdict:
            raise RuleBroken(ran.verdict)
        accept(sent, _weights(model), budget, doses, out)
    except RuleBroken as verdict:
        shutil.rmtree(out, ignore_errors=True)
        return _failed(str(verdict), out)
    return read_outcome(out)


def _run(submission: Submission, model: Path, shared: Shared, cpu_seconds: int, sent: Path) -> Ran:
    data = (model / EXAMPLES, shared.tokenizer, shared.preference_model)
    given = Given(shared.stages, model, *data, shared.access, shared.lora_rank)
    own = _weights(model)
    limits = limits_for(own, len(shared.access.checkpoints))
    limits = limits._replace(seconds=shared.seconds, cpu_seconds=cpu_seconds)
    return run_model(submission, given, MODEL, int(own.name.removeprefix("seed-")), sent, limits, is_sandboxed=True)


def _weights(model: Path) -> Path:
    """The folder of the dealt weights: the one seed that the folder of a code has."""
    return next((model / MODEL).iterdir())


def _failed(verdict: str, out: Path) -> Outcome:
    outcome = Outcome(failure=verdict)
    write_outcome(outcome, out)
    return outcome
