"""Asking the models that a submission made in a hidden round: what came back is looked at before it is asked."""

from pathlib import Path
from typing import NamedTuple

from stages.evaluation.jobs import Inputs, Job, Reading, read_defended
from stages.lm.models import load_model
from stages.params.errors import in_one_line
from stages.params.experiment import Experiment
from stages.records.outcomes import Outcome, read_outcome
from stages.rounds.dealing import MODEL, DealtModel
from stages.threat_model.contract import check_defended


class Returned(NamedTuple):
    """What came back for one dealt model: how it is read, and the folder of the model that was dealt."""

    job: Job
    given: Path


def returned(dealt: DealtModel, folder: Path, given: Path, params: Experiment, inputs: Inputs) -> Returned:
    """The job of reading what lies in `folder`, under the name that the model has, and not its code."""
    max_new_tokens = params.organism(dealt.organism).max_new_tokens
    named = (dealt.seed, dealt.model, folder, params.evaluation, max_new_tokens)
    return Returned(Job(*named, False, params.lora.rank, inputs), given / MODEL / f"seed-{dealt.told_seed}")


def read_returned(one: Returned) -> Reading:
    """All answers of what came back; none, with the reason, where nothing sound did."""
    try:
        outcome = read_outcome(one.job.folder)
    except ValueError:
        return Reading([], Outcome(failure="no output"))
    if outcome.failure:
        return Reading([], outcome)
    try:
        check_defended(load_model(one.given), load_model(one.job.folder / "end"))
    except Exception as error:  # anything may lie there: a submission has written it
        return Reading([], Outcome(failure=f"what came back is no sound model: {in_one_line(error)}"))
    return read_defended(one.job)
