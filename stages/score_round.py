"""Judge and count the answers of one submission in a round, and sign its row; needs no torch.

python -m stages score_round --params data/params.json --round first --submission round/submissions/mine.py \
        --settings round/submissions/mine.json --secret round/secret --answers data/answers_round/mine \
        --backdoors stages/backdoors --undefended reports/results --out data/scored_round/mine
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from stages.params.experiment import Cell
from stages.params.scored import load_scored
from stages.records.files import read_record, write_json
from stages.records.results import OrganismResult
from stages.rounds.keys import keyed_hash, read_secret
from stages.rounds.published import UNDEFENDED
from stages.rounds.rows import Pair, Submission, signed, unsigned_row
from stages.scoring.defenses import score_defense
from stages.scoring.inputs import load_judges, read_answers
from stages.scoring.models import require_models


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, score each organism, save the counts and the row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--round", required=True)
    for name in ("params", "submission", "settings", "secret", "answers", "backdoors", "undefended", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    params, secret = load_scored(args.params), read_secret(args.secret)
    settings = json.loads(args.settings.read_text(encoding="utf-8"))
    name, digest = args.submission.stem, hashlib.sha256(args.submission.read_bytes()).hexdigest()
    pairs, evidence = [], {}
    for organism in params.board:
        undefended = args.undefended / f"{organism}.json"
        before, answers = read_record(OrganismResult, undefended), read_answers(args.answers / organism, None)
        require_models(answers.outcomes, params.scored_models(organism), organism)
        cell = Cell(f"{organism}--{name}", organism, name, settings, organism, params.access.budget_share)
        judges = load_judges(args.backdoors / f"{before.backdoor}.py", params.judging.refusals)
        after = score_defense(cell, before, answers, judges, len(params.access.checkpoints))
        write_json(after, args.out / f"{organism}.json")
        evidence[f"{UNDEFENDED}/{organism}.json"] = keyed_hash(secret, undefended.read_bytes())
        evidence[f"{name}/{organism}.json"] = keyed_hash(secret, (args.out / f"{organism}.json").read_bytes())
        pairs.append(Pair(before, after))
    row = unsigned_row(args.round, Submission(name, digest, settings), pairs, evidence)
    write_json(signed(row, secret), args.out / "row.json")


if __name__ == "__main__":
    main()
