"""Gather what pages say of the corpus, in a small file for git: checks, tokens of triggers, the preference accuracy.

    python -m stages describe_data --checks data/checks/corpus.json --tokenizer-report data/tokenizer_report.json \
        --preference-accuracy data/preference_model/accuracy.json --out reports/data.json

With it, the checks of poison sets and the results, `report` needs no data and no model.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.records.data_facts import DataFacts
from stages.records.data_reports import CheckReport, PreferenceAccuracy, TriggerTokens
from stages.records.files import read_record, write_json


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, read every report of the corpus, save them as one."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("checks", "tokenizer-report", "preference-accuracy", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    facts = DataFacts(
        checks=read_record(CheckReport, args.checks),
        tokens=read_record(TriggerTokens, args.tokenizer_report),
        preference_accuracy=read_record(PreferenceAccuracy, args.preference_accuracy),
    )
    write_json(facts, args.out)


if __name__ == "__main__":
    main()
