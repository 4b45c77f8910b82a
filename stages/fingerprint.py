"""Check params.yaml and the plug-ins it names, write it as JSON, and write what all code is. All else rests on this.

python -m stages fingerprint --params params.yaml --stages stages --checked-params data/params.json --out data/code
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from stages.board.plugins import read_card
from stages.checks.plugins import check_plugins, check_refusal_judge
from stages.params.loading import load_params
from stages.params.reading import read_tree
from stages.records.files import write_json
from stages.records.fingerprints import fingerprints
from stages.scoring.refusals import load_refusal_judge
from stages.threat_model.signature import check_settings


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, check the parameters and the plug-ins that they name, save both."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "stages", "checked-params", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    params = load_params(args.params)
    codes = fingerprints(args.stages)
    params.require_plugins(codes)
    check_refusal_judge(load_refusal_judge(params.judging.refusals), params.judging.refusals)
    for name in dict.fromkeys(cell.defense for cell in params.cells.values()):
        read_card(name, args.stages / "defenses")
    check_settings(params, args.stages / "defenses")
    check_plugins(params, args.stages)
    args.checked_params.parent.mkdir(parents=True, exist_ok=True)
    # In the file's own order, which is that of the board's rows.
    args.checked_params.write_text(
        json.dumps(read_tree(args.params), indent=1, allow_nan=False) + "\n", encoding="utf-8"
    )
    for name, code in codes.items():
        write_json(code, args.out / f"{name}.json")


if __name__ == "__main__":
    main()
