"""Delete from DVC's cache what neither your files nor any commit of this clone names: `make gc`.

`dvc gc --all-commits` loads the pipeline of every commit. It takes minutes, ends at the first commit that it cannot
load (bdac01bd holds conflict markers in params.yaml), and collects a cache that others share as if it were ours. Here
the hashes in dvc.lock are read from git as text, so that no commit is left out: what looks like one counts as used.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from dvc.repo import Repo

from flows.commands import PipelineError, git
from flows.pipeline import locked

POINTERS = ("*dvc.lock", "*.dvc")  # anywhere in the clone
HASH = re.compile(r"\b[0-9a-f]{32}\b")
OBJECT = re.compile(r"[0-9a-f]{30}(\.dir)?")


def cache_of(repo: Repo) -> Path:
    """The folder of the cache's objects. Raises PipelineError where it is not below .dvc of this clone."""
    root, found = Path(repo.root_dir).resolve(), Path(repo.cache.local.path)
    if root / ".dvc" in found.resolve().parents:
        return found
    config: Any = repo.config
    named = [path for level, path in config.files.items() if "dir" in config.load_one(level)["cache"]]
    by = f"cache.dir in {named[-1]} says so" if named else "a link leads there"
    raise PipelineError(
        f"DVC's cache is {found.resolve()}, outside this clone ({by}). Other projects may keep their data there, so "
        "nothing was deleted. Only the cache in .dvc/ is collected here. For a shared one use DVC's own command, which "
        "must be told of every project that shares it: dvc gc --workspace --projects FOLDER"
    )


def used_hashes(root: Path, cache: Path) -> set[str]:
    """The hashes that a lock names: in the working tree, staged, or in a commit of a branch, tag, stash or reflog."""
    if Path(git(root, "rev-parse", "--show-toplevel").strip()).resolve() != root.resolve():
        raise PipelineError(f"{root} is no clone of its own. A profile's cache goes with its folder: rm -r build/NAME")
    history = ["log", "--all", "--reflog", "--root", "-m", "--full-history"]
    history += ["--raw", "--no-abbrev", "--no-renames", "--format="]
    blobs = {line.split()[3] for line in git(root, *history, "--", *POINTERS).splitlines()} - {"0" * 40}
    blobs |= {line.split()[1] for line in git(root, "ls-files", "-z", "--stage", "--", *POINTERS).split("\0") if line}
    texts = [git(root, "cat-file", "blob", blob) for blob in sorted(blobs)]
    here = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *POINTERS).split("\0")
    files = [root / path for path in here if path and (root / path).is_file()]
    texts += [path.read_text(encoding="utf-8", errors="replace") for path in files]
    used = {digest for text in texts for digest in HASH.findall(text)}
    folders = [cache / digest[:2] / f"{digest[2:]}.dir" for digest in used]
    lists = [path.read_text(encoding="utf-8", errors="replace") for path in folders if path.exists()]
    return used.union(*map(HASH.findall, lists))


def collect(root: Path, *, is_sure: bool) -> str:
    """Ask, unless `is_sure`, and delete; what to say of it."""
    with locked(root) as repo:
        cache = cache_of(repo)
        objects = [path for path in sorted(cache.glob("[0-9a-f][0-9a-f]/*")) if OBJECT.fullmatch(path.name)]
        used = used_hashes(root, cache)
        unused = [path for path in objects if path.parent.name + path.stem not in used]
        n_bytes = sum(path.stat().st_size for path in unused if path.stat().st_nlink == 1)
        what = f"{len(unused)} are not named by your files or a commit of this clone"
        print(f"Of {len(objects)} files in DVC's cache {what}: {n_bytes / 1e6:,.1f} MB.")
        print("Profiles' caches are not looked at: they go with their folders in build/.")
        if git(root, "rev-parse", "--is-shallow-repository").strip() == "true":
            print(
                "This clone is shallow: what only older commits name is among them; git fetch --unshallow gets those."
            )
        if not unused:
            return "nothing to delete"
        if not is_sure and not sys.stdin.isatty():
            raise PipelineError("nothing was deleted, because nobody is here to be asked. Say so: make gc YES=1")
        if not is_sure and input("Delete them? [y/N] ").strip().lower() not in ("y", "yes"):
            return "nothing was deleted"
        for path in sorted(unused, key=lambda path: not path.suffix):  # a folder's list before its files
            path.unlink()
        return f"{len(unused)} files deleted"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m flows.gc", description=__doc__, allow_abbrev=False)
    parser.add_argument("--yes", action="store_true", help="delete without asking")
    is_sure = parser.parse_args().yes
    try:
        print(collect(Path.cwd(), is_sure=is_sure))
    except (PipelineError, OSError) as failure:
        sys.exit(f"error: {failure}")
    except (KeyboardInterrupt, EOFError):
        sys.exit("\ninterrupted")
