"""Judge and count all kept answers, and write one result a cell. Needs no torch; retrains nothing.

python -m stages score --params data/params.json --answers data/answers --backdoors stages/backdoors \
        --out reports/results
"""

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path

from stages.params.loading import Params, load_params
from stages.records.answers import AnswerRecord
from stages.records.files import load_rows, read_record, write_json
from stages.records.outcomes import Outcomes
from stages.scoring.counting import Judges
from stages.scoring.defenses import score_defense
from stages.scoring.judges import load_judge
from stages.scoring.models import Answers, require_models
from stages.scoring.organisms import Named, score_organism
from stages.scoring.plugins import read_constant
from stages.scoring.refusals import load_refusal_judge


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, score every cell that params.yaml names, save the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "answers", "backdoors", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    params = load_params(args.params)
    for organism in params.organisms:
        score(params, organism, args.answers, args.backdoors, args.out)


def score(params: Params, organism: str, answers: Path, backdoors: Path, out: Path) -> None:
    """Score one organism before any defense, then each of its cells; save the results."""
    settings = params.organism(organism)
    has_sham = settings.sham == organism
    behaviour = load_judge(read_constant(backdoors / f"{settings.backdoor}.py", "JUDGE"))
    judges = Judges(behaviour, load_refusal_judge(params.judging.refusals))
    undefended = read_answers(answers / organism, None if has_sham else answers / settings.sham)
    seeds, models = params.seeds(settings.n_seeds), params.scored_models(organism)
    require_models(undefended.outcomes, models, organism)
    before = score_organism(Named(organism, settings.backdoor), undefended, seeds, judges, params.positive_control)
    write_json(before, out / f"{organism}.json")
    for cell in params.cells_of(organism):
        defended = read_answers(answers / cell.name, None if has_sham else answers / cell.sham)
        require_models(defended.outcomes, models, cell.name)
        defended = defended._replace(inputs=undefended.inputs | defended.inputs)
        write_json(
            score_defense(cell, before, defended, judges, len(params.access.checkpoints)), out / f"{cell.name}.json"
        )


def read_answers(folder: Path, shams: Path | None) -> Answers:
    """The answers and outcomes in `folder`, with those of the shams in another folder where they are made there."""
    files = [folder / "answers.parquet", folder / "outcomes.json"]
    inputs = {f"{folder.name}/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    own = Answers(load_rows(AnswerRecord, files[0]), read_record(Outcomes, files[1]), inputs)
    if shams is None:
        return own
    family = read_answers(shams, None)
    return Answers(
        [*own.records, *(record for record in family.records if record.model == "sham")],
        own.outcomes | {name: outcome for name, outcome in family.outcomes.items() if name.startswith("sham/")},
        own.inputs | family.inputs,
    )


if __name__ == "__main__":
    main()
