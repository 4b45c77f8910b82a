"""Judge and count all kept answers, and write one result a cell. Needs no torch; retrains nothing.

python -m stages score --params data/params.json --answers data/answers --backdoors stages/backdoors \
        --out reports/results
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from stages.params.loading import Params, load_params
from stages.records.answers import AnswerRecord
from stages.records.files import load_rows, write_json
from stages.scoring.judges import load_judge
from stages.scoring.organisms import Outcomes, baseline_json, make_baseline, score_defense
from stages.scoring.plugins import read_constant


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, score every cell that params.yaml names, save the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "answers", "backdoors", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    params = load_params(args.params)
    for organism in params.organisms:
        score_organism(params, organism, args.answers, args.backdoors, args.out)


def score_organism(params: Params, organism: str, answers: Path, backdoors: Path, out: Path) -> None:
    """Score one organism: its baseline, then each of its cells."""
    settings = params.organism(organism)
    judge = load_judge(read_constant(backdoors / f"{settings.backdoor}.py", "JUDGE"))
    undefended = answer_files(answers / organism)
    of_sham = sham_files(params, organism, answers / settings.sham)
    records, outcomes = with_sham(read_answers(undefended), of_sham)
    seeds = params.seeds(settings.n_seeds)
    baseline = make_baseline(records, outcomes, seeds, judge, params.positive_control)
    content = baseline_json(organism, baseline, params.positive_control, hashes([*undefended, *of_sham]))
    write_json(content, out / f"{organism}.json")
    for cell in params.cells_of(organism):
        files = answer_files(answers / cell.name)
        of_defended_sham = sham_files(params, organism, answers / cell.sham)
        result = score_defense(
            cell,
            baseline,
            *with_sham(read_answers(files), of_defended_sham),
            judge,
            params.access.checkpoints,
            hashes([*undefended, *of_sham, *files, *of_defended_sham]),
        )
        write_json(result.to_json(), out / f"{cell.name}.json")


def answer_files(folder: Path) -> list[Path]:
    """The answers and the outcomes of one cell."""
    return [folder / "answers.parquet", folder / "outcomes.json"]


def sham_files(params: Params, organism: str, folder: Path) -> list[Path]:
    """The answers in which the organism's sham is found, where it is another organism of its family that has one."""
    return [] if "sham" in params.models(organism) else answer_files(folder)


def with_sham(own: tuple[list[AnswerRecord], Outcomes], files: Sequence[Path]) -> tuple[list[AnswerRecord], Outcomes]:
    """An organism's answers and outcomes with those of the family's sham in `files`, if any."""
    if not files:
        return own
    records, outcomes = read_answers(files)
    shams = {name: outcome for name, outcome in outcomes.items() if name.startswith("sham/")}
    return own[0] + [record for record in records if record.model == "sham"], {**own[1], **shams}


def read_answers(files: Sequence[Path]) -> tuple[list[AnswerRecord], Outcomes]:
    """The content of `answer_files`."""
    return load_rows(AnswerRecord, files[0]), json.loads(files[1].read_text())


def hashes(files: Sequence[Path]) -> dict[str, str]:
    """SHA-256 by file name: what a result was computed from."""
    return {f"{file.parent.name}/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


if __name__ == "__main__":
    main()
