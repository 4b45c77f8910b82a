"""Run one submission on every dealt model of a round; it is told neither what a model is nor how many there are.

python -m stages defend_round --params data/params.json --submission round/submissions/mine.py \
        --settings round/submissions/mine.json --dealt data/dealt --tokenizer data/tokenizer \
        --preference-model data/preference_model --seconds 600 --out data/defended_round/mine
"""

import argparse
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stages.rounds.defending import Given, defend_model

CODE = Path(__file__).resolve().parent


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, defend all models, as many at once as there are cores; save what came back."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "submission", "settings", "dealt", "tokenizer", "preference-model", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    args = parser.parse_args(argv)
    params, settings = (json.loads(path.read_text(encoding="utf-8")) for path in (args.params, args.settings))
    given = Given(settings, params, CODE, args.tokenizer, args.preference_model, args.seconds)
    models = sorted(args.dealt.iterdir())
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        outcomes = pool.map(lambda model: defend_model(args.submission, model, given, args.out / model.name), models)
    for model, outcome in zip(models, outcomes, strict=True):
        print(f"{model.name}: {outcome.failure or 'defended'}")


if __name__ == "__main__":
    main()
