"""Check a closed round against what its secret gives; the first thing that does not fit is named.

python -m stages audit_round --published round/published --hashes data.json --remade data/sealed.json \
        --out data/audits/data.json
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.records.files import read_record, write_json
from stages.rounds.auditing import audit
from stages.rounds.published import Hashes


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, check, save what was checked."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("published", "remade", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--hashes", required=True)
    args = parser.parse_args(argv)
    published = read_record(Hashes, args.published / args.hashes)
    write_json(audit(args.published, published, read_record(Hashes, args.remade)), args.out)


if __name__ == "__main__":
    main()
