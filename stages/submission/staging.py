"""The folder that a sandbox sees: the code that a defense needs, and the inputs of one model.

No trigger, no poisoned row, no prompt of the evaluation and no result is among them. An organism and its sham lie
under one name, with one time, and of their files only weights and configs are there; rows that other seeds lack look
as all others. What the submission has not declared, the judge or the reference model, is not there either.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from stages.params.access import AccessParams
from stages.params.defenses import Settings
from stages.records.files import write_json
from stages.records.outcomes import Behaviour, read_behaviour, write_behaviour
from stages.records.pools import load_pool, pool_row, save_pool
from stages.submission.inside import MODEL
from stages.submission.sandbox import CODE, INPUTS

# Rooms of stages/ that what a defense runs imports, and so what a submission may import.
ROOMS = ("corpus", "lm", "params", "records", "scoring", "threat_model")
SCRIPTS = ("__init__", "defend", "defenses/__init__", "submission/__init__", "submission/rules", "submission/inside")
JUDGES = "scoring/judges"
MODEL_FILES = ("config.json", "generation_config.json", "model.safetensors")


class Submission(NamedTuple):
    """A submitted file with its settings, and what it declares that it needs."""

    name: str
    file: Path
    settings: Settings
    needs: frozenset[str]


class Given(NamedTuple):
    """What all submissions are given: where the models and the data lie, and what they may spend."""

    stages: Path
    organism: Path
    examples: Path
    tokenizer: Path
    preference_model: Path
    access: AccessParams
    lora_rank: int


def stage(submission: Submission, given: Given, model: str, seed: int, folder: Path) -> Path:
    """`folder`, with the code and the inputs for one model, as `poisoned`, of this seed."""
    _stage_code(submission, given.stages, folder / CODE / "stages")
    inputs = folder / INPUTS
    organism = inputs / "organism"
    _copy(given.organism / f"{model}/seed-{seed}", organism / f"{MODEL}/seed-{seed}", MODEL_FILES)
    if "reference_model" in submission.needs:
        _copy(given.organism / f"reference/seed-{seed}", organism / f"reference/seed-{seed}", MODEL_FILES)
    shutil.copyfile(given.organism / "pretraining_cost.json", organism / "pretraining_cost.json")
    behaviour = read_behaviour(given.organism)
    judge = behaviour.judge if "judge" in submission.needs else ""
    write_behaviour(Behaviour(judge, behaviour.domains, behaviour.max_new_tokens), organism)
    save_pool([pool_row(row, []) for row in load_pool(given.examples, seed)], inputs / "examples.parquet")
    shutil.copytree(given.tokenizer, inputs / "tokenizer")
    _copy(given.preference_model, inputs / "preference_model", MODEL_FILES)
    job = {
        "defense": submission.name,
        "seed": seed,
        "settings": submission.settings,
        "access": given.access.model_dump(),
        "lora_rank": given.lora_rank,
    }
    write_json(job, inputs / "job.json")
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (0, 0))
    return folder


def _stage_code(submission: Submission, stages: Path, folder: Path) -> None:
    files = [stages / f"{name}.py" for name in SCRIPTS]
    files += [path for room in ROOMS for path in (stages / room).rglob("*.py")]
    judged = "judge" in submission.needs
    for path in sorted(files):
        name = path.relative_to(stages)
        if judged or str(name.parent) != JUDGES or name.stem == "__init__":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / name)
    shutil.copyfile(submission.file, folder / f"defenses/{submission.name}.py")


def _copy(source: Path, target: Path, names: Sequence[str]) -> None:
    target.mkdir(parents=True)
    for name in names:
        if (source / name).exists():
            shutil.copyfile(source / name, target / name)
