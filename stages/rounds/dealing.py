"""Dealing a round's models: backdoored ones and never-backdoored ones under codes that tell nothing.

A model's code, its place among the others and the seed that its defense draws with come from the secret. What lies in
its folder is the same for both kinds but for the weights: names, settings, costs, data, times of files.
"""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stages.records.outcomes import BEHAVIOUR_FILE, Outcome, write_outcome
from stages.records.pools import load_pool, pool_row, save_pool
from stages.rounds.keys import derived, derived_seed

MODEL, REFERENCE, COST_FILE, EXAMPLES = "poisoned", "reference", "pretraining_cost.json", "examples.parquet"
WEIGHTS = "model.safetensors"
N_CODE = 12  # hexadecimal digits


@dataclass(frozen=True)
class DealtModel:
    """Which model a code stands for, and the seed that its defense is told."""

    organism: str
    model: str
    seed: int
    told_seed: int


Deal = dict[str, DealtModel]  # by code


def deal(secret: bytes, models: Iterable[tuple[str, str, int]]) -> Deal:
    """The models, each named by organism, model and seed, under their codes; codes are in their own order."""
    dealt = {}
    for organism, model, seed in models:
        named = f"{organism}/{model}/{seed}"
        code = derived(secret, f"code of {named}").hex()[:N_CODE]
        dealt[code] = DealtModel(organism, model, seed, derived_seed(secret, f"seed of {named}"))
    return dict(sorted(dealt.items()))


def hand_out(dealt: DealtModel, organism: Path, examples: Path, out: Path) -> None:
    """Write the folder of one dealt model, laid out as the stage `defend` reads an organism of one seed.

    Every model is called `poisoned` there. Its training's cost is left out: good answers and bad ones differ in length.
    """
    told = f"seed-{dealt.told_seed}"
    for name, source in ((MODEL, dealt.model), (REFERENCE, REFERENCE)):
        shutil.copytree(organism / source / f"seed-{dealt.seed}", out / name / told)
        write_outcome(Outcome(), out / name / told)
    for name in (COST_FILE, BEHAVIOUR_FILE):
        shutil.copy(organism / name, out / name)
    save_pool([pool_row(example, []) for example in load_pool(examples, dealt.seed)], out / EXAMPLES)
    forget_times(out)


def forget_times(folder: Path) -> None:
    """Set the times of all files and folders to one moment, since they would tell the order of making."""
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (0, 0))
