"""Check params.yaml, and write what the code of every stage and plug-in is; all other stages depend on it.

python -m stages fingerprint --params params.yaml --stages stages --out data/code
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.params.loading import load_params
from stages.records.files import write_json
from stages.records.fingerprints import fingerprints


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, check the parameters and the names of plug-ins in them, save one file a fingerprint."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "stages", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    params = load_params(args.params)
    codes = fingerprints(args.stages)
    params.require_plugins(codes)
    for name, code in codes.items():
        write_json(code, args.out / f"{name}.json")


if __name__ == "__main__":
    main()
