"""Check the corpus; training depends on the record this writes, so a failed check stops the pipeline.

python -m stages check_data --corpus data/corpus --tokenizer data/tokenizer --triggers data/triggers.json \
        --out data/checks/corpus.json --written data/organisms/written
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.checks.corpus_checks import corpus_parts, preference_parts
from stages.checks.gate import run_gate
from stages.corpus.examples import SPLITS
from stages.lm.tokenizer import load_tokenizer
from stages.records.files import load_rows, read_record, write_json
from stages.records.pools import PoolRow
from stages.records.rows import PreferencePair
from stages.records.triggers import Triggers

# Poison rows wait for the organism that gives their answers. Where none does they wait for this file.
NO_ORGANISM = "Answers are written by the rules of the corpus, which has passed its checks.\n"


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, run the checks, save their record."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("corpus", "tokenizer", "triggers", "out", "written"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--docs", type=Path, help="also build Great Expectations' Data Docs in this folder")
    args = parser.parse_args(argv)
    pools = {split: load_rows(PoolRow, args.corpus / f"{split}.parquet") for split in SPLITS}
    parts = corpus_parts(pools, load_tokenizer(args.tokenizer), read_record(Triggers, args.triggers))
    parts += preference_parts(load_rows(PreferencePair, args.corpus / "preferences.parquet"), pools)
    write_json(run_gate("corpus", parts, args.docs), args.out)
    args.written.parent.mkdir(parents=True, exist_ok=True)
    args.written.write_text(NO_ORGANISM, encoding="utf-8")


if __name__ == "__main__":
    main()
