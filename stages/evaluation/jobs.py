"""What one worker does in the two evaluation stages: load a model, ask it everything, give back the answers."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.backdoors import PoisonRow, load_backdoor
from stages.corpus.examples import Example
from stages.evaluation.reading import Reader
from stages.evaluation.suite import make_suite
from stages.lm.models import load_model
from stages.lm.tokenizer import load_tokenizer
from stages.lm.training import TrainingDivergedError
from stages.params import EvaluationParams, OrganismParams
from stages.scoring.answers import AnswerRecord
from stages.storage import load_rows

SUITE_SEED = 3  # one draw of prompts for all models: rows are compared in pairs


class Inputs(NamedTuple):
    """Where the evaluation finds its data."""

    tokenizer: Path
    evaluation: Path
    benign: Path
    poison_set: Path


class Job(NamedTuple):
    """One model to read: `folder` holds the undefended model, or `end`, `checkpoints` and `outcome.json`."""

    seed: int
    model: str
    folder: Path
    organism: OrganismParams
    settings: EvaluationParams
    inputs: Inputs


class Reading(NamedTuple):
    """The answers of one defended model, and why some are missing, if they are."""

    records: list[AnswerRecord]
    failure: str | None


def make_reader(job: Job) -> Reader:
    """The reader of this organism and seed."""
    backdoor = load_backdoor(job.organism.backdoor)
    examples = load_rows(Example, job.inputs.evaluation)
    suite = make_suite(examples, backdoor, job.settings.prompts, np.random.default_rng(SUITE_SEED))
    payload = backdoor.payload(job.organism.payload_repeats)
    return Reader(load_tokenizer(job.inputs.tokenizer), suite, job.settings, payload, job.seed)


def read_undefended(job: Job) -> list[AnswerRecord]:
    """All end-point answers of a model before any defense."""
    return make_reader(job).read_end(load_model(job.folder), job.model)


def read_defended(job: Job) -> Reading:
    """All answers of a defended model: at the end, along its training, after return tuning, through relearning."""
    end = job.folder / "end"
    if not end.exists():
        return Reading([], None)  # the defense failed in this seed; its outcome.json says why
    reader = make_reader(job)
    records = reader.read_end(load_model(end), job.model)
    for checkpoint in sorted((job.folder / "checkpoints").glob("*"), key=lambda path: int(path.name)):
        records += reader.read_checkpoint(load_model(checkpoint), job.model, int(checkpoint.name))
    try:
        records += reader.read_return(load_model(end), job.model, load_rows(Example, job.inputs.benign))
        # The poison set as it was installed: poisoned answers for organism and sham alike.
        records += reader.read_relearning(load_model(end), job.model, load_rows(PoisonRow, job.inputs.poison_set))
    except TrainingDivergedError as error:
        return Reading(records, f"the defended model cannot be trained on: {error}")
    return Reading(records, None)
