"""Make the helpful-only bases of one size, one a seed: from scratch, or from a checkpoint, and trained on the corpus.

python -m stages make_base --params data/params.json --size small --corpus data/corpus/pretraining.parquet \
        --tokenizer data/tokenizer --out data/bases/small
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, cast

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from stages.corpus.examples import of_domains
from stages.corpus.pretraining import pretraining_batches
from stages.lm.checkpoints import take_model
from stages.lm.models import config_for_depth, new_model, save_model
from stages.lm.tokenizer import load_tokenizer
from stages.lm.training import TrainingDivergedError, fine_tune
from stages.lm.workers import run_jobs
from stages.params.experiment import load_experiment
from stages.params.sizes import SizeParams
from stages.records.files import write_json
from stages.records.outcomes import Cost, Outcome, require_one_seed, write_outcome
from stages.records.pools import load_pool
from stages.records.rows import Example


class Job(NamedTuple):
    """One base to train."""

    seed: int
    settings: SizeParams
    lora_rank: int
    corpus: Path
    tokenizer: Path
    out: Path


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, train every seed, save models and costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "corpus", "tokenizer", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--size", required=True)
    args = parser.parse_args(argv)
    params = load_experiment(args.params)
    settings = params.size(args.size)
    seeds = params.seeds_of(settings)
    data = (params.lora.rank, args.corpus, args.tokenizer)
    jobs = [Job(seed, settings, *data, args.out / f"seed-{seed}") for seed in seeds]
    outcomes = run_jobs(train_base, jobs, f"make_base {args.size}")
    require_one_seed(list(zip(seeds, outcomes, strict=True)), f"make_base {args.size}")
    # One budget for all seeds: their tokens differ by a few in a thousand, so the smallest counts.
    costs = [outcome.cost for outcome in outcomes if outcome.cost]
    write_json(min(costs, key=lambda cost: cost.tokens), args.out / "cost.json")


def train_base(job: Job) -> Outcome:
    """Train one base; save it with its outcome, or the outcome alone when training diverged."""
    tokenizer = load_tokenizer(job.tokenizer)
    settings = job.settings
    corpus = of_domains(load_pool(job.corpus, job.seed), settings.domains)
    model = begin(settings, tokenizer, job.seed)
    try:
        cost = pretrain(model, tokenizer, corpus, job) if settings.steps else Cost()
    except TrainingDivergedError as error:
        outcome = Outcome(failure=f"pretraining: {error}")
    else:
        save_model(model, job.out)
        outcome = Outcome(cost=replace(cost, tokens=settings.pretraining_tokens or cost.tokens))
    write_outcome(outcome, job.out)
    return outcome


def pretrain(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, corpus: Sequence[Example], job: Job) -> Cost:
    """Train `model` in place on the corpus alone. Raises TrainingDivergedError when it diverges."""
    batches = pretraining_batches(tokenizer, corpus, [], job.settings, job.seed)
    return fine_tune(
        model,
        tokenizer,
        batches,
        learning_rate=job.settings.learning_rate,
        seed=job.seed,
        lora_rank=job.lora_rank,
        # From scratch half of the steps (docs/decisions/base_training.md). A checkpoint was trained with AdamW.
        optimizer="muon" if job.settings.checkpoint is None else "adamw",
    )


def begin(settings: SizeParams, tokenizer: PreTrainedTokenizerFast, seed: int) -> PreTrainedModel:
    """The model that is trained: the checkpoint's, or a fresh one."""
    if settings.checkpoint is not None:
        return take_model(settings.checkpoint, tokenizer)
    return new_model(config_for_depth(cast(int, settings.depth), tokenizer), seed)


if __name__ == "__main__":
    main()
