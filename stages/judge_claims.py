"""Judge the paper's claims from the results: JSON, Markdown and one HTML page.

    python -m stages judge_claims --params data/params.json --results reports/results --backdoors stages/backdoors \
        --out reports

Needs no torch and imports no plug-in.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.board.claims import claims_json, claims_markdown, render_claims
from stages.claims.all_claims import judge_claims
from stages.claims.evidence import load_evidence
from stages.params.loading import load_params


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, load the results that params.yaml names, save the three files."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "results", "backdoors", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    params = load_params(args.params)
    claims = judge_claims(params.claims, load_evidence(params, args.results, args.backdoors))
    pages = {
        "claims.json": claims_json(claims),
        "claims.md": claims_markdown(claims),
        "claims.html": render_claims(claims),
    }
    args.out.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (args.out / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
