"""Prepare a profile's own folder: `python -m flows.profiles <name> [--folder DIR]`.

A profile (`smoke`, `gpu`, ...) is a file of overrides in flows/overrides/. It runs in build/<name>/, a copy of the
project with its own merged params.yaml, dvc.lock and DVC cache, so that it never touches the default's. Preparing it
again copies only what changed, removes what it had copied and is no longer there, and keeps what runs produced.
"""

import argparse
import configparser
import filecmp
import io
import json
import shutil
import subprocess
import sys
from collections.abc import MutableMapping, Sequence
from contextlib import nullcontext
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from flows.commands import PipelineError
from flows.pipeline import locked

OVERRIDES = Path("flows") / "overrides"
MANIFEST = ".profile-files.json"
# Below these a profile may name new keys: they are the lists of what there is.
OPEN_KEYS = ("arms", "claims", "datasets", "defenses", "organisms", "sizes")
NOT_COPIED = ("dvc.lock", "params.yaml", ".dvc/config")


class ProfileError(ValueError):
    """The profile cannot be prepared; the message says why and what to do."""


def prepare_profile(root: Path, name: str, folder: Path | None = None) -> Path:
    """The folder (default build/<name>) holding the project with the profile's parameters.

    Raises ProfileError when the profile is none, and PipelineError while a run is in its folder.
    """
    override = _read_override(root, name)
    target = (folder or root / "build" / name).resolve()
    files = [path for path in source_files(root) if target not in (root / path).resolve().parents]
    params = _yaml().load((root / "params.yaml").read_text(encoding="utf-8"))
    merge(params, override, where=f"{OVERRIDES / name}.yaml")
    stream = io.StringIO()
    _yaml().dump(params, stream)
    with locked(target) if (target / ".dvc" / "tmp").exists() else nullcontext():
        _remove_stale(target, files)
        for path in files:
            _copy(root / path, target / path)
        _write(target / "params.yaml", stream.getvalue())
        _write(target / ".dvc" / "config", _dvc_config(root / ".dvc" / "config"))
    return target


def source_files(root: Path) -> list[str]:
    """The project's files, tracked or untracked but not ignored, without what a default run has written."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        raise ProfileError(f"git cannot list the files of {root}: {listing.stderr.strip()}. Run this in a git clone.")
    names = sorted(set(listing.stdout.split("\0")) - {""})
    kept = [name for name in names if name not in NOT_COPIED and not name.startswith("reports/")]
    return [name for name in kept if (root / name).is_symlink() or (root / name).is_file()]


def merge(default: MutableMapping[str, Any], override: MutableMapping[str, Any], *, where: str, path: str = "") -> None:
    """Change `default` in place: mappings merge, everything else replaces, null deletes.

    Of a mapping with the tag !only nothing is kept but its own keys, merged as ever.

    Raises ProfileError for a key that the default does not have, except below OPEN_KEYS.
    """
    is_open = not set(path.split(".")).isdisjoint(OPEN_KEYS)
    for key, value in override.items():
        place = f"{path}.{key}" if path else str(key)
        if key not in default and not is_open:
            close = get_close_matches(str(key), [str(known) for known in default], n=1)
            hint = f"; did you mean '{close[0]}'?" if close else "."
            known = ", ".join(str(known) for known in default)
            raise ProfileError(f"{where}: params.yaml has no key '{place}'{hint} Known there: {known}.")
        if value is None:
            default.pop(key, None)
        elif isinstance(value, MutableMapping) and isinstance(default.get(key), MutableMapping):
            if getattr(getattr(value, "tag", None), "value", None) == "!only":
                default[key] = {kept: default[key][kept] for kept in default[key] if kept in value}
            merge(default[key], value, where=where, path=place)
        else:
            default[key] = value


def _read_override(root: Path, name: str) -> MutableMapping[str, Any]:
    path = root / OVERRIDES / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in (root / OVERRIDES).glob("*.yaml"))) or "none"
        raise ProfileError(f"no profile '{name}'. Known: {known}. A profile is a file in {OVERRIDES}/.")
    try:
        override = _yaml().load(path.read_text(encoding="utf-8")) or {}
    except YAMLError as error:
        raise ProfileError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(override, MutableMapping):
        raise ProfileError(f"{path} holds a {type(override).__name__}; it must map keys of params.yaml to values.")
    return override


def _yaml() -> YAML:
    """Keeps comments, key order and the way numbers and strings are written."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 120
    return yaml


def _remove_stale(target: Path, files: Sequence[str]) -> None:
    """Remove what an earlier call copied and the source lacks now; note what this call is going to copy."""
    manifest = target / MANIFEST
    if manifest.exists():
        for name in set(json.loads(manifest.read_text(encoding="utf-8"))) - set(files):
            (target / name).unlink(missing_ok=True)
    elif target.exists() and any(target.iterdir()):
        raise ProfileError(f"{target} holds files that no profile put there. Name another --folder, or empty this one.")
    _write(manifest, json.dumps(list(files), indent=0) + "\n")


def _copy(source: Path, target: Path) -> None:
    """Copy content and permissions; a file that is equal already is left alone, with its time."""
    same_kind = target.is_symlink() == source.is_symlink()
    if source.is_symlink() and target.is_symlink() and source.readlink() == target.readlink():
        return
    if same_kind and not source.is_symlink() and target.is_file() and filecmp.cmp(source, target, shallow=False):
        shutil.copymode(source, target)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    shutil.copy(source, target, follow_symlinks=False)


def _write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _dvc_config(source: Path) -> str:
    """The project's DVC settings, without git (which ignores build/) and with a cache of the folder's own."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(source, encoding="utf-8")
    if not config.has_section("core"):
        config.add_section("core")
    config.set("core", "no_scm", "True")
    config.remove_option("cache", "dir") if config.has_section("cache") else None
    stream = io.StringIO()
    config.write(stream)
    return stream.getvalue()


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0, or 1 with an error."""
    parser = argparse.ArgumentParser(prog="python -m flows.profiles", description="Prepare a profile's folder.")
    parser.add_argument("name", help="a file in flows/overrides/, without .yaml")
    parser.add_argument("--folder", type=Path, help="default: build/<name>")
    arguments = parser.parse_args(argv)
    try:
        print(prepare_profile(Path.cwd(), arguments.name, arguments.folder))
    except (PipelineError, ProfileError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
