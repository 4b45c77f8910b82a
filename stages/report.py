"""Turn the results into the leaderboard: JSON, CSV, Markdown, one HTML page, and the curves as CSV.

    python -m stages report --params data/params.json --results reports/results --answers data/answers \
        --checks data/checks --tokenizer-report data/tokenizer_report.json \
        --preference-accuracy data/preference_model/accuracy.json --stages stages --out reports

Needs no torch and imports no plug-in.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.board.inputs import Paths, load_inputs
from stages.board.page import render_page
from stages.board.rows import build_board
from stages.board.tables import curves_csv, leaderboard_csv, leaderboard_json, leaderboard_markdown
from stages.params.loading import load_params


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, load every input, save the five files."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "results", "answers", "checks", "tokenizer-report", "preference-accuracy", "stages", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    paths = Paths(args.results, args.answers, args.checks, args.tokenizer_report, args.preference_accuracy, args.stages)
    inputs = load_inputs(load_params(args.params), paths)
    board = build_board(inputs)
    pages = {
        "leaderboard.json": leaderboard_json(board),
        "leaderboard.csv": leaderboard_csv(board.rows),
        "leaderboard.md": leaderboard_markdown(board),
        "leaderboard.html": render_page(inputs, board),
        "curves.csv": curves_csv(board.curves),
    }
    args.out.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (args.out / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
