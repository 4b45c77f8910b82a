"""Publish keyed hashes of a round's data, which need no training: triggers, poison rows, evaluation prompts.

python -m stages seal_round --secret round/secret --triggers data/triggers.json --poison-sets data/poison_sets \
        --prompts data/prompts --out data/sealed.json
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.records.files import write_json
from stages.rounds.keys import keyed_hash, read_secret
from stages.rounds.published import Hashes, numbered_hashes


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, hash, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("secret", "triggers", "poison-sets", "prompts", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    secret = read_secret(args.secret)
    hashes: Hashes = {"triggers.json": keyed_hash(secret, args.triggers.read_bytes())}
    for folder in (args.poison_sets, args.prompts):
        hashes |= numbered_hashes(secret, folder)
    write_json(hashes, args.out)


if __name__ == "__main__":
    main()
