"""Read every model that a submission made in a round, and keep every answer; what is missing is an outcome.

python -m stages evaluate_round --params data/params.json --deal data/deal.json --dealt data/dealt \
        --defended data/defended_round/mine --tokenizer data/tokenizer --prompts data/prompts \
        --benign data/corpus/benign.parquet --out data/answers_round/mine
"""

import argparse
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from stages.evaluation.jobs import Inputs, save_answers
from stages.evaluation.of_rounds import read_returned, returned
from stages.lm.workers import run_jobs
from stages.params.experiment import load_experiment
from stages.records.files import read_record
from stages.records.outcomes import Outcome
from stages.rounds.dealing import Deal


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, read the models, save answers and outcomes of each organism."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "deal", "dealt", "defended", "tokenizer", "prompts", "benign", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    params, deal = load_experiment(args.params), read_record(Deal, args.deal)
    jobs = [
        returned(
            dealt,
            args.defended / code,
            args.dealt / code,
            params,
            Inputs(args.tokenizer, args.prompts / dealt.organism, args.benign),
        )
        for code, dealt in deal.items()
    ]
    readings = dict(zip(deal, run_jobs(read_returned, jobs, f"answers of {args.defended.name}"), strict=True))
    for organism in params.board:
        seeds = params.seeds_of(params.organism(organism))
        made = {f"{model}/{seed}" for seed in seeds for model in params.models(organism, seed)}
        own = {code: reading for code, reading in readings.items() if deal[code].organism == organism}
        outcomes = dict.fromkeys(sorted(made), Outcome(failure="the organism could not be trained"))
        outcomes |= {f"{deal[code].model}/{deal[code].seed}": reading.outcome for code, reading in own.items()}
        save_answers(list(chain(*(reading.records for reading in own.values()))), outcomes, args.out / organism)


if __name__ == "__main__":
    main()
