"""What one worker does in the two evaluation stages: load a model, ask it everything, give back the answers."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from stages.corpus.examples import of_domains
from stages.evaluation.reading import Reader
from stages.lm.models import load_model
from stages.lm.tokenizer import load_tokenizer
from stages.lm.training import TrainingDivergedError
from stages.lm.workers import run_jobs
from stages.params.evaluation import EvaluationParams
from stages.params.experiment import Experiment
from stages.records.answers import AnswerRecord
from stages.records.files import load_rows, save_rows, write_json
from stages.records.outcomes import Outcome, Outcomes, read_outcome
from stages.records.pools import load_pool
from stages.records.prompt_sets import DEFENDED_SETS, UNDEFENDED_SETS
from stages.records.rows import EvaluationPrompt, PoisonRow


class Inputs(NamedTuple):
    """Where the evaluation finds its data; the last two are for defended models alone."""

    tokenizer: Path
    prompts: Path
    benign: Path = Path()
    poison_sets: Path = Path()


class Job(NamedTuple):
    """One model to read. `folder` holds `outcome.json` and the undefended model, or `end` and `checkpoints`."""

    seed: int
    model: str
    folder: Path
    settings: EvaluationParams
    max_new_tokens: int
    has_relearning: bool
    lora_rank: int
    inputs: Inputs


class Reading(NamedTuple):
    """The answers of one model, and what became of it."""

    records: list[AnswerRecord]
    outcome: Outcome


def read_all(
    read: Callable[[Job], Reading], params: Experiment, organism: str, folder: Path, inputs: Inputs
) -> tuple[list[AnswerRecord], Outcomes]:
    """The answers of every model of one organism in `folder`, and their outcomes by `model/seed`."""
    settings = params.organism(organism)
    relearning_seeds = params.first_seeds(params.evaluation.relearning.n_seeds)
    jobs = [
        Job(
            seed,
            model,
            folder / model / f"seed-{seed}",
            params.evaluation,
            settings.max_new_tokens,
            seed in relearning_seeds,
            params.lora.rank,
            inputs,
        )
        for seed in params.seeds_of(settings)
        for model in params.models(organism, seed)
    ]
    readings = run_jobs(read, jobs, f"answers of {folder.name}")
    outcomes = {f"{job.model}/{job.seed}": reading.outcome for job, reading in zip(jobs, readings, strict=True)}
    return list(chain(*(reading.records for reading in readings))), outcomes


def save_answers(records: Sequence[AnswerRecord], outcomes: Outcomes, folder: Path) -> None:
    """Write `answers.parquet` and `outcomes.json`."""
    save_rows(AnswerRecord, records, folder / "answers.parquet")
    write_json(outcomes, folder / "outcomes.json")


def load_prompts(job: Job, prompt_sets: Sequence[str]) -> list[EvaluationPrompt]:
    """The evaluation prompts of these sets."""
    path = job.inputs.prompts / f"seed-{job.seed}.parquet"
    return [p for p in load_rows(EvaluationPrompt, path) if p.prompt_set in prompt_sets]


def make_reader(job: Job) -> Reader:
    """The reader of this organism and seed."""
    suite = load_prompts(job, DEFENDED_SETS)
    tokenizer = load_tokenizer(job.inputs.tokenizer)
    return Reader(tokenizer, suite, job.settings, job.max_new_tokens, job.seed, job.lora_rank)


def read_undefended(job: Job) -> Reading:
    """All end-point answers of a model before any defense; none where its training failed."""
    outcome = read_outcome(job.folder)
    if outcome.failure:
        return Reading([], outcome)
    reader, model = make_reader(job), load_model(job.folder)
    beyond = load_prompts(job, UNDEFENDED_SETS)
    records = reader.read_end(model, job.model, reader.read_payload(model))
    return Reading(records + reader.read_beyond(model, job.model, beyond), outcome)


def read_defended(job: Job) -> Reading:
    """All answers of a defended model: at the end, along its training, after return tuning, through relearning.

    What is missing on purpose: relearning on later seeds. Checkpoints are those that the defense reached.
    """
    outcome = read_outcome(job.folder)
    if outcome.failure:
        return Reading([], outcome)
    end = job.folder / "end"
    reader = make_reader(job)
    records: list[AnswerRecord] = []
    try:
        records += reader.read_end(load_model(end), job.model)
        for checkpoint in sorted((job.folder / "checkpoints").glob("*"), key=lambda path: int(path.name)):
            records += reader.read_checkpoint(load_model(checkpoint), job.model, int(checkpoint.name))
        benign = of_domains(load_pool(job.inputs.benign, job.seed), sorted({p.domain for p in reader.suite}))
        records += reader.read_return(load_model(end), job.model, benign)
    except TrainingDivergedError as error:
        return Reading(records, replace(outcome, failure=f"the defended model cannot be trained on: {error}"))
    if job.has_relearning:
        with suppress(TrainingDivergedError):  # relearning is no part of A: where it diverges it is unknown
            # The poison set as it was installed: poisoned answers for organism and sham alike.
            rows = load_rows(PoisonRow, job.inputs.poison_sets / f"seed-{job.seed}.parquet")
            records += reader.read_relearning(load_model(end), job.model, rows)
    return Reading(records, outcome)
