"""Prepare a profile's own folder: `python -m flows.profiles <name> [--folder DIR]`.

A profile (`smoke`, `gpu`, ...) is a file of overrides in flows/overrides/. It runs in build/<name>/, a copy of the
project with its own merged params.yaml, dvc.lock and DVC cache, so that it never touches the default's. Preparing it
again copies the project anew and keeps what runs produced: data/, reports/, DVC's cache and dvc.lock.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import MutableMapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from flows.commands import GIT, PipelineError, unknown
from flows.pipeline import locked

YAML_FILE = YAML()  # keeps comments, key order and the way numbers and strings are written
YAML_FILE.preserve_quotes, YAML_FILE.width = True, 120
OVERRIDES = Path("flows") / "overrides"
MARK = ".profile-files.json"  # the name that folders of earlier versions have
# Below these a profile may name new keys: they are the lists of what there is.
OPEN_KEYS = ("arms", "claims", "datasets", "defenses", "organisms", "sizes")
PRODUCED = {"data", "reports", ".dvc"}


def prepare_profile(root: Path, name: str, folder: Path | None = None) -> Path:
    """The folder (default build/<name>) holding the project with the profile's parameters; no run may be in it."""
    source = root / OVERRIDES / f"{name}.yaml"
    if not source.is_file():
        raise unknown("profile", name, [each.stem for each in source.parent.glob("*.yaml")], f" in {OVERRIDES}/")
    try:
        override = YAML_FILE.load(source.read_text(encoding="utf-8")) or {}
    except YAMLError as error:
        raise PipelineError(f"{source} is not valid YAML: {error}") from error
    if not isinstance(override, MutableMapping):
        raise PipelineError(f"{source} holds a {type(override).__name__}; it must map keys of params.yaml to values.")
    target = (folder or root / "build" / name).resolve()
    # Tracked or untracked but not ignored, without what a default run has written.
    git = [*GIT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(git, cwd=root, capture_output=True, encoding="utf-8", check=False)
    if listing.returncode != 0:
        raise PipelineError(f"git cannot list the files of {root}: {listing.stderr.strip()}. Run this in a git clone.")
    files = [path for path in listing.stdout.split("\0") if path and path != "dvc.lock" and path[:8] != "reports/"]
    files = [path for path in files if os.path.lexists(root / path) and target not in (root / path).resolve().parents]
    params = YAML_FILE.load((root / "params.yaml").read_text(encoding="utf-8"))
    merge(params, override, where=f"{OVERRIDES / name}.yaml")
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
        YAML_FILE.dump(params, target / "params.yaml")
        # No git, which ignores build/: it would hide what runs produce from DVC.
        head, _, tail = (root / ".dvc" / "config").read_text(encoding="utf-8").partition("[core]\n")
        (target / ".dvc" / "config").write_text(f"{head}[core]\n    no_scm = True\n{tail}", encoding="utf-8")
        (target / MARK).touch()
    return target


def merge(default: MutableMapping[str, Any], override: MutableMapping[str, Any], *, where: str, path: str = "") -> None:
    """Change `default` in place: mappings merge, everything else replaces, null deletes.

    Of a mapping with the tag !only nothing is kept but its own keys, merged as ever. New keys are for OPEN_KEYS alone.
    """
    is_open = not set(path.split(".")).isdisjoint(OPEN_KEYS)
    for key, value in override.items():
        place = f"{path}.{key}" if path else str(key)
        if key not in default and not is_open:
            error = unknown("key", str(key), [str(known) for known in default], f" below {path}" if path else "")
            raise PipelineError(f"{where}: params.yaml has {error}")
        if value is None:
            default.pop(key, None)
        elif isinstance(value, MutableMapping) and isinstance(default.get(key), MutableMapping):
            if getattr(getattr(value, "tag", None), "value", None) == "!only":
                default[key] = {kept: default[key][kept] for kept in default[key] if kept in value}
            merge(default[key], value, where=where, path=place)
        else:
            default[key] = value


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m flows.profiles", description="Prepare a profile's folder.")
    parser.add_argument("name", help="a file in flows/overrides/, without .yaml")
    parser.add_argument("--folder", type=Path, help="default: build/<name>")
    try:
        print(prepare_profile(Path.cwd(), **vars(parser.parse_args())))
    except (PipelineError, OSError) as failure:
        sys.exit(f"error: {failure}")
