"""Check params.yaml, and write it as JSON; write what the code of every stage and plug-in is. All else rests on this.

python -m stages fingerprint --params params.yaml --stages stages --checked-params data/params.json --out data/code
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from stages.params.loading import load_params
from stages.params.reading import read_tree
from stages.records.files import write_json
from stages.records.fingerprints import fingerprints
from stages.scoring.refusals import load_refusal_judge


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, check the parameters and the names of plug-ins in them, save both."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "stages", "checked-params", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    params = load_params(args.params)
    codes = fingerprints(args.stages)
    params.require_plugins(codes)
    load_refusal_judge(params.judging.refusals)  # it offers all that its contract asks for
    args.checked_params.parent.mkdir(parents=True, exist_ok=True)
    # In the file's own order, which is that of the board's rows.
    args.checked_params.write_text(
        json.dumps(read_tree(args.params), indent=1, allow_nan=False) + "\n", encoding="utf-8"
    )
    for name, code in codes.items():
        write_json(code, args.out / f"{name}.json")


if __name__ == "__main__":
    main()
