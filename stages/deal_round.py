"""Deal a round's models: all that were made, with a backdoor and without one, under codes drawn from the secret.

python -m stages deal_round --params data/params.json --secret round/secret --organisms data/organisms \
        --examples data/corpus/defense.parquet --out data/dealt --deal data/deal.json --hashes data/dealt.json
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.params.experiment import load_experiment
from stages.records.files import write_json
from stages.records.outcomes import read_outcome
from stages.rounds.dealing import WEIGHTS, deal, hand_out
from stages.rounds.keys import keyed_hash, read_secret


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, deal, save the models' folders, who is who, and the keyed hashes of the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "secret", "organisms", "examples", "out", "deal", "hashes"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    params, secret = load_experiment(args.params), read_secret(args.secret)
    models = [
        (organism, model, seed)
        for organism in params.board
        for seed in params.seeds_of(params.organism(organism))
        for model in params.models(organism, seed)
        if not read_outcome(args.organisms / organism / model / f"seed-{seed}").failure
    ]
    dealt, hashes = deal(secret, models), {}
    for code, one in dealt.items():
        organism = args.organisms / one.organism
        hand_out(one, organism, args.examples, args.out / code)
        weights = organism / one.model / f"seed-{one.seed}" / WEIGHTS
        hashes[code] = keyed_hash(secret, weights.read_bytes())
    write_json(dealt, args.deal)
    write_json(hashes, args.hashes)


if __name__ == "__main__":
    main()
