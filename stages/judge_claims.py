"""Judge the paper's claims, part by part, by the rules that were registered before their results were seen.

    python -m stages judge_claims --params data/params.json --results reports/results \
        --detections reports/detections --code data/code/judge_claims.json \
        --registered stages/claims/registered.txt --out reports/claims.json

With `--register` it writes the hash of the rules instead, and judges nothing; commit it before the run. All that it
reads is in git. A part whose cells have not run says so. Needs no torch.
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from stages.claims.all_claims import judge_all
from stages.claims.evidence import Evidence
from stages.claims.names import BOARD
from stages.claims.registration import require_registered, rules_of
from stages.params.errors import ParamsError
from stages.params.loading import Params, load_params
from stages.records.claims import Claims
from stages.records.detections import Detections
from stages.records.files import read_record, write_json
from stages.records.fingerprints import Fingerprint
from stages.records.results import BENCHMARK_VERSION, CellResult, OrganismResult

Record = TypeVar("Record")


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, register the rules or judge every claim by them."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "code", "registered"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("results", "detections", "out"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--register", action="store_true")
    args = parser.parse_args(argv)
    params = load_params(args.params)
    rules = rules_of(params, params.claims.pools, read_record(Fingerprint, args.code))
    if args.register:
        args.registered.write_text(f"{rules}\n", encoding="utf-8")
        return
    if None in (args.results, args.detections, args.out):
        raise ParamsError("--results, --detections and --out are needed where claims are judged; or give --register")
    require_registered(rules, args.registered, params.claims.changed_because)
    evidence = load_evidence(params, args.results, args.detections)
    made = Claims(BENCHMARK_VERSION, rules, params.claims.changed_because, judge_all(evidence))
    write_json(made, args.out)


def load_evidence(params: Params, results: Path, detections: Path) -> Evidence:
    """All results of what params.yaml makes and that has run. Raises ValueError where a file is damaged."""
    looked = [
        f"{organism}--{defense}--{detector}"
        for organism in params.detection.organisms
        for defense in params.detection.defenses
        for detector in params.detection.detectors
    ]
    return Evidence(
        _read(OrganismResult, results, params.organisms),
        _read(CellResult, results, params.cells),
        {**params.claims.pools, BOARD: params.board},
        _read(Detections, detections, looked),
    )


def _read(kind: type[Record], folder: Path, names: Iterable[str]) -> dict[str, Record]:
    files = {name: folder / f"{name}.json" for name in names}
    return {name: read_record(kind, file) for name, file in files.items() if file.exists()}


if __name__ == "__main__":
    main()
