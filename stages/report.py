"""Turn the results into the board: JSON, CSV, Markdown, the curves as CSV, and the pages.

    python -m stages report --params data/params.json --results reports/results --shown-answers reports/answers \
        --data reports/data.json --checks reports/checks --claims reports/claims.json \
        --detections reports/detections --stages stages --changelog CHANGELOG.md \
        --submissions flows/submissions.yaml --breaks reports/breaks --weighed reports/weighed \
        --rounds reports/rounds --out reports

All that it reads is in git, so pages can be made anew without a model. Needs no torch and imports no plug-in.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.board.claims_pages import load_detections
from stages.board.inputs import Paths, load_inputs
from stages.board.lowest import find_lowest
from stages.board.pages import make_pages
from stages.board.rows import build_board
from stages.board.sent import SentPaths
from stages.board.tables import curves_csv, leaderboard_csv, leaderboard_json, leaderboard_markdown
from stages.params.loading import load_params
from stages.records.claims import Claims
from stages.records.files import read_record

INPUTS = ("params", "results", "shown-answers", "data", "checks", "claims", "detections", "stages", "changelog")
SENT = ("submissions", "breaks", "weighed", "rounds")


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, load every input, save every file."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in (*INPUTS, *SENT, "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    sent = SentPaths(args.submissions, args.breaks, args.weighed, args.rounds)
    paths = Paths(args.results, args.shown_answers, args.data, args.checks, args.stages, sent)
    inputs = load_inputs(load_params(args.params), paths)
    board = build_board(inputs)
    pages = {
        "leaderboard.json": leaderboard_json(board),
        "leaderboard.csv": leaderboard_csv(board.rows),
        "leaderboard.md": leaderboard_markdown(board, find_lowest(inputs, board.rows)),
        "curves.csv": curves_csv(board.curves),
        **make_pages(
            inputs,
            board,
            read_record(Claims, args.claims),
            detections=load_detections(args.detections),
            changelog=args.changelog.read_text(encoding="utf-8"),
        ),
    }
    for name, text in pages.items():
        path = args.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
