"""Prepare a profile's own folder: `python -m flows.profiles <name> [--folder DIR]`.

A profile (`smoke`, `gpu`, ...) is a file of overrides in flows/overrides/. It runs in build/<name>/, a copy of the
project with its own merged params.yaml, dvc.lock and DVC cache, so that it never touches the default's. Preparing it
again copies the project anew and keeps what runs produced: data/, reports/, DVC's cache and dvc.lock.
"""

import argparse
import json
import os
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path

from ruamel.yaml import YAML

from flows.commands import PipelineError, git, unknown
from flows.merging import merged_params
from flows.pipeline import locked

OVERRIDES = Path("flows") / "overrides"
MARK = ".profile-files.json"  # the name that folders of earlier versions have
PRODUCED = {"data", "reports", ".dvc"}
SUBMISSIONS = Path("flows") / "submissions.yaml"


def prepare_profile(root: Path, name: str, folder: Path | None = None) -> Path:
    """The folder (default build/<name>) holding the project with the profile's parameters; no run may be in it."""
    known = [each.stem for each in (root / OVERRIDES).glob("*.yaml") if each.is_file()]
    if name not in known:
        raise unknown("profile", name, known, f" in {OVERRIDES}/")
    params = merged_params(root / "params.yaml", root / OVERRIDES / f"{name}.yaml")
    target = (folder or root / "build" / name).resolve()
    # Tracked or untracked but not ignored, without what a default run has written.
    listing = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    files = [path for path in listing.split("\0") if path and path != "dvc.lock" and path[:8] != "reports/"]
    # Of reports/ the marks of folders that a stage reads whole: DVC wants them there, with or without files.
    files += [path for path in listing.split("\0") if path[:8] == "reports/" and Path(path).name == ".gitkeep"]
    files = [path for path in files if os.path.lexists(root / path) and target not in (root / path).resolve().parents]
    if target.exists() and any(target.iterdir()) and not (target / MARK).exists():
        raise PipelineError(
            f"{target} holds files that no profile put there. Name another --folder, or empty this one."
        )
    with locked(target) if (target / ".dvc" / "tmp").exists() else nullcontext():
        for folder_name in {Path(path).parts[0] for path in files} - PRODUCED:
            shutil.rmtree(target / folder_name, ignore_errors=True)  # with what was copied before and is gone since
        for path in files:
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).unlink(missing_ok=True)
            shutil.copy2(root / path, target / path, follow_symlinks=False)
        (target / "params.yaml").write_text(params, encoding="utf-8")
        if (target / SUBMISSIONS).exists():
            write_submissions(target / SUBMISSIONS, params)
        # No git, which ignores build/: it would hide what runs produce from DVC.
        head, _, tail = (root / ".dvc" / "config").read_text(encoding="utf-8").partition("[core]\n")
        (target / ".dvc" / "config").write_text(f"{head}[core]\n    no_scm = True\n{tail}", encoding="utf-8")
        (target / MARK).touch()
    return target


def write_submissions(path: Path, params: str) -> None:
    """Leave of the submissions those whose defenses, and of the attacks those whose cells, the profile has."""
    reader = YAML(typ="safe")
    given, merged = reader.load(path.read_text(encoding="utf-8")), reader.load(params)
    cells = {f"{organism}--{name}" for organism in merged["board"] for name in merged["defenses"]}
    cells |= set(merged.get("arms", ()))
    weighed = {cell: each for cell, each in given["weighed"].items() if cell in cells}
    kept = {
        "submitted": {
            name: each
            for name, each in given["submitted"].items()
            if any(cell.endswith(f"--{name}") for cell in weighed)
        },
        "weighed": weighed,
        "breaks": {cell: each for cell, each in given["breaks"].items() if cell in cells},
    }
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")  # JSON is YAML


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m flows.profiles", description="Prepare a profile's folder.")
    parser.add_argument("name", help="a file in flows/overrides/, without .yaml")
    parser.add_argument("--folder", type=Path, help="default: build/<name>")
    try:
        print(prepare_profile(Path.cwd(), **vars(parser.parse_args())))
    except (PipelineError, OSError) as failure:
        sys.exit(f"error: {failure}")
