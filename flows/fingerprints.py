"""The code that a stage depends on, as the stage `fingerprint` writes it below data/code.

data/code/<script>.json is for a stage script, data/code/<folder>/<name>.json for a plug-in: each maps the files of its
import closure to the hash of their syntax trees. dvc.lock knows such a file by its MD5; DVC's cache has what it said.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import md5
from pathlib import Path, PurePosixPath

from flows.commands import PipelineError, unknown

FINGERPRINT, FOLDER = "fingerprint", "data/code"
CACHE = Path(".dvc") / "cache" / "files" / "md5"


def is_code(path: str) -> bool:
    """Whether it is one of the files, or a folder of them."""
    return f"{path}/".startswith(f"{FOLDER}/")


def members_at(path: Path) -> Mapping[str, str]:
    """What the file says, or all files of the folder; nothing where it is not there."""
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path] if path.exists() else []
    return {member: digest for file in files for member, digest in json.loads(file.read_bytes()).items()}


def recorded_members(root: Path, path: str, digest: str) -> Mapping[str, str] | None:
    """What the file, or the folder if it is still as it was, said when DVC gave it this hash; None if that is lost."""
    for place in (root / path, root / CACHE / digest[:2] / digest[2:]):
        if place.exists() and _digest(place) == digest:
            return members_at(place)
    return None


def what_moved(root: Path, path: str, digest: str, now: Path) -> list[str]:
    """The files of code that differ from what was recorded; the fingerprint's own path where nobody can say which."""
    before, after = recorded_members(root, path, digest), members_at(now)
    if before is None or before == after:
        return [path]
    found = {member: "" if member in before else " (added)" for member in after}
    found |= {member: " (removed)" for member in before if member not in after}
    return [f"{member}{found[member]}" for member in sorted(found) if before.get(member) != after.get(member)]


def check_plugins(root: Path, deps: Mapping[str, Sequence[str]]) -> None:
    """Raises PipelineError for the first stage that depends on a plug-in of which there is no code."""
    files = {(file.parent.name, file.stem) for file in (root / "stages").rglob("*.py")}
    for stage, path in [(stage, PurePosixPath(path)) for stage, paths in deps.items() for path in paths]:
        folder, name = path.parent.name, path.stem
        if path.suffix == ".json" and str(path.parent.parent) == FOLDER and (folder, name) not in files:
            known = {other for where, other in files if where == folder} - {"__init__"}
            error = unknown(f"file in {folder}/ for", name, known, f" in {folder}/")
            raise PipelineError(f"stage '{stage}': {error} Mend the name in params.yaml, or write the file.")


def _digest(path: Path) -> str:
    """DVC's hash of a file or a folder."""
    if path.is_file():
        return md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    files = sorted((str(file.relative_to(path)), _digest(file)) for file in path.rglob("*") if file.is_file())
    entries = json.dumps([{"md5": digest, "relpath": name} for name, digest in files])
    return md5(entries.encode(), usedforsecurity=False).hexdigest() + ".dir"
