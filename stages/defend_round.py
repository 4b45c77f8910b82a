"""Run one submission, in sandboxes, on every dealt model of a round.

python -m stages defend_round --params data/params.json --submission round/submissions/mine.py \
        --settings round/submissions/mine.json --dealt data/dealt --tokenizer data/tokenizer \
        --preference-model data/preference_model --seconds 600 --out data/defended_round/mine
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from stages.params.experiment import load_experiment
from stages.submission.dealt import Shared, defend_dealt
from stages.submission.runs import YARDSTICK

CODE = Path(__file__).resolve().parent


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, defend all models, as many at once as there are cores; save what was accepted."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "submission", "settings", "dealt", "tokenizer", "preference-model", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    args = parser.parse_args(argv)
    params = load_experiment(args.params)
    shared = Shared(CODE, args.tokenizer, args.preference_model, params.access, params.lora.rank, args.seconds)
    settings = json.loads(args.settings.read_text(encoding="utf-8"))
    yardstick = params.defenses[YARDSTICK]
    models = sorted(args.dealt.iterdir())
    for code, outcome in defend_dealt(args.submission, settings, yardstick, models, shared, args.out).items():
        print(f"{code}: {outcome.failure or 'defended'}")


if __name__ == "__main__":
    main()
