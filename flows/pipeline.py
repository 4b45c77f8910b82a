"""DVC's graph by the names of its stages. The only file that touches DVC's Python API (pinned).

`dvc repro` runs one stage at a time and rewrites dvc.lock slowly and not atomically. Here one process holds DVC's
repository lock for the whole run and decides, with DVC's own functions, what is stale; flows/scheduler.py says whose
turn it is. dvc.lock is rewritten, whole and in one order, after every stage: a kill loses only what was running.

    python -m flows.pipeline prune      forget cells that params.yaml no longer names
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import diskcache
import networkx as nx
from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.lock import LockError
from dvc.repo import Repo, lock_repo
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError
from dvc.stage.run import _make_cmd, get_executable
from dvc.stage.serialize import to_lockfile
from dvc.utils.serialize import dumps_yaml, load_yaml
from dvc_data.hashfile.cache import DiskError

from flows.commands import Command, PipelineError, StageFailed, unknown
from flows.fingerprints import FINGERPRINT, FOLDER, check_plugins, is_code, members_at, what_moved

WORKERS = "stages/lm/workers.py"
# What DVC raises for one stage: its own, the disk's, and those of the databases in which it remembers hashes.
STAGE_ERRORS = (DvcException, OSError, sqlite3.Error, diskcache.Timeout, DiskError)


class Project:
    """The stages of a DVC repository that this process has locked, each after what it needs, else as in dvc.yaml."""

    def __init__(self, repo: Repo) -> None:
        self._repo, self._root = repo, Path(repo.root_dir)
        lock = self._root / "dvc.lock"
        self._lock: dict[str, Any] = load_yaml(str(lock)) if lock.exists() else {}
        place: dict[Any, int] = {stage: number for number, stage in enumerate(repo.index.stages)}
        for stage in place:
            if not isinstance(stage, PipelineStage) or Path(stage.path).parent != self._root:
                what = "is not supported: this project has one dvc.yaml, in its root, and no .dvc files."
                raise PipelineError(f"{stage.relpath} {what} Move its stages there, or remove it.")
        check_plugins(self._root, {str(stage.name): [dep.def_path for dep in stage.deps] for stage in place})
        ordered = nx.lexicographical_topological_sort(repo.index.graph.reverse(), key=place.__getitem__)
        self._stages: dict[str, PipelineStage] = {str(stage.name): stage for stage in ordered}

    def needs(self, name: str) -> set[str]:
        """The stages whose outputs the stage reads."""
        return {str(above.name) for above in self._repo.index.graph.successors(self._stages[name])}

    def select(self, targets: Sequence[str]) -> list[str]:
        """The stages, groups (`defend`) or defenses (`sft`) that `targets` name, with what they need; none: all."""
        named: dict[str, set[PipelineStage]] = {}
        for name, stage in self._stages.items():
            group, _, cell = name.partition("@")
            for word in {name, group, cell.partition("-")[2].lstrip("-")} - {""}:
                named.setdefault(word, set()).add(stage)
        wanted: set[PipelineStage] = set() if targets else set(self._stages.values())
        for target in targets:
            if target not in named:
                raise unknown("stage", target, named)
            wanted |= named[target].union(*(nx.descendants(self._repo.index.graph, stage) for stage in named[target]))
        return [name for name, stage in self._stages.items() if stage in wanted]

    def runs_models(self, name: str) -> bool:
        """Whether the stage's script starts worker processes that train or read models, as far as is known yet."""
        scripts = [dep.fs_path for dep in self._stages[name].deps if str(Path(dep.def_path).parent) == FOLDER]
        return any(WORKERS in members_at(Path(path)) for path in scripts if path.endswith(".json"))

    def has_changed(self, name: str, *, allow_missing: bool = False) -> bool:
        """Whether the stage must run, as far as can be told now; where it cannot, it fails in its turn.

        With `allow_missing`, as DVC has it, files that dvc.lock knows and that are not here are no change; others are.
        """
        stage = self._stages[name]
        try:
            if not allow_missing:
                return stage.changed()
            above = list(self._repo.index.graph.successors(stage))
            is_here_and_other = any(out.exists and out.workspace_status() for out in stage.outs)
            is_new = name not in self._lock.get("stages", {})
            return is_new or is_here_and_other or stage.changed(allow_missing, above)
        except STAGE_ERRORS:
            return True

    def lacks_outputs(self, name: str) -> bool:
        """Whether something that the stage makes is not here."""
        return not all(out.exists for out in self._stages[name].outs)

    def changes(self, name: str) -> list[str]:
        """Why: `changed deps: data/corpus`, one line for each kind of change; of its code the files that moved."""
        lines: list[str] = []
        said: dict[str, list[str]] = {}
        for dep in self._stages[name].deps:
            recorded = getattr(dep.hash_info, "value", "") or ""
            moved = what_moved(self._root, dep.def_path, recorded, Path(dep.fs_path)) if is_code(dep.def_path) else []
            said[str(dep)] = moved or [dep.def_path]
        entries: list[Any] = self._stages[name].status().get(name, [])
        for entry in entries:
            for kind, about in [(entry, {})] if isinstance(entry, str) else entry.items():
                paths = []
                for path, how in about.items():
                    # Parameters are of params.yaml, also where a stage reads them from the file that was checked.
                    keys = [f"params.yaml: {key}" for key in how] if isinstance(how, dict) else []
                    paths += keys or said.get(path, [path])
                lines.append(f"{kind}{': ' if paths else ''}{', '.join(dict.fromkeys(paths))}")
        return lines

    def foresee(self) -> None:
        """From now on compare stages with the code as it is, though its fingerprints be stale. For looking only."""
        stage = self._stages.get(FINGERPRINT)
        if stage is None or not self.has_changed(FINGERPRINT):
            return
        self._fresh = TemporaryDirectory()
        made = {out.def_path: str(Path(self._fresh.name, out.def_path)) for out in stage.outs}
        command = str(stage.cmd)
        for path, place in made.items():
            command = command.replace(path, place)
        argv = _make_cmd(get_executable(), command)
        done = subprocess.run(argv, cwd=stage.wdir, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            raise StageFailed(FINGERPRINT, f"`{argv[-1]}` exited with {done.returncode}: {done.stderr.strip()}")
        for dep in (dep for other in self._stages.values() for dep in other.deps):
            if is_code(dep.def_path) or dep.def_path in made:
                dep.fs_path = str(Path(self._fresh.name, dep.def_path))

    def begin(self, name: str, *, force: bool) -> Command | None:
        """Clear the stage's outputs; the command that makes them, or None where DVC's run cache had them.

        Dependencies are recorded as they are when the command starts. DVC itself hashes them again afterwards, so a
        file edited meanwhile would count as the one that was used.
        """
        stage = self._stages[name]
        with _failing(name):
            stage.remove_outs()
            if not force:
                with suppress(RunCacheNotFoundError):
                    self._repo.stage_cache.restore(stage)
                    self._save(stage)
                    return None
            stage.save_deps()
        lines: list[str] = stage.cmd if isinstance(stage.cmd, list) else str(stage.cmd).splitlines()
        argvs = tuple(tuple(_make_cmd(get_executable(), line)) for line in lines)
        return Command(name, argvs, str(stage.wdir), {"DVC_STAGE": name, "DVC_ROOT": self._repo.root_dir})

    def finish(self, name: str, *, is_rebuilt: bool = False) -> None:
        """Record the outputs that the command has written. Raises StageFailed when one is missing.

        `is_rebuilt`: it was made again for others to read, and must be what dvc.lock has; else it is deleted.
        """
        stage = self._stages[name]
        if missing := [out.def_path for out in stage.outs if not out.exists]:
            raise StageFailed(name, f"its command succeeded but did not write {', '.join(missing)}")
        with _failing(name):
            if is_rebuilt and (others := self._other_than_recorded(name)):
                stage.remove_outs()
                raise StageFailed(
                    name,
                    f"it was made again because it was not here, and {', '.join(others)} came out other than in "
                    "dvc.lock, as another processor or other libraries make it. What is in git rests on the old bytes. "
                    "Run without --allow-missing, which makes everything anew",
                )
            self._save(stage)

    def _other_than_recorded(self, name: str) -> list[str]:
        """The outputs of the stage that are not what dvc.lock has."""
        recorded = {out["path"]: out["md5"] for out in self._lock["stages"][name]["outs"]}
        stage = self._stages[name]
        stage.save_outs()
        return [
            out.def_path for out in stage.outs if getattr(out.hash_info, "value", None) != recorded.get(out.def_path)
        ]

    def prune(self) -> list[Path]:
        """Delete what removed stages left under data/ and reports/, forget them in dvc.lock; returns the deleted paths.

        So is what no stage writes in a folder that one reads whole: its hash would be that of this clone alone. What a
        stage of dvc.yaml still writes, contains or lies in is kept. dvc.lock is put in topological order: after
        `dvc repro` and after a run of ours the bytes are then the same.
        """
        entries, stages, deleted = self._lock.get("stages", {}), self._stages.values(), []
        outs = [Path(out.fs_path) for stage in stages for out in stage.outs]
        kept = [out.parent.resolve() / out.name for out in outs]
        gone = [o["path"] for name in entries if name not in self._stages for o in entries[name].get("outs", [])]
        made_in = {(self._root / name).resolve() for name in ("data", "reports")}
        holding = {folder for out in outs for folder in out.parents}
        for folder in sorted({Path(dep.fs_path) for stage in stages for dep in stage.deps} & holding):
            gone += sorted(folder.glob("[!.]*"))
        for path in gone:
            place = (self._root / path).parent.resolve() / Path(path).name
            is_ours = any(place == out or place in out.parents or out in place.parents for out in kept)
            if not made_in.isdisjoint(place.parents) and os.path.lexists(place) and not is_ours:
                shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink()
                deleted.append(place)
        if list(entries) != [name for name in self._stages if name in entries]:
            self._record({})
        return deleted

    def _save(self, stage: PipelineStage) -> None:
        """As `Stage.save` and `Stage.commit`, with the dependencies as they are recorded."""
        stage.save_outs()
        stage.md5, stage.cmd_changed = stage.compute_md5(), False
        if all(out.use_cache or out.is_metric or out.is_plot for out in stage.outs):
            self._repo.stage_cache.save(stage)
        stage.commit()
        self._record(to_lockfile(stage))

    def _record(self, new: Mapping[str, Any]) -> None:
        """Put the new entries into dvc.lock, which has those of our stages and no others."""
        entries = {**self._lock.get("stages", {}), **new}
        self._lock = {"schema": "2.0", **self._lock, "stages": {n: entries[n] for n in self._stages if n in entries}}
        replace_lock(self._root / "dvc.lock", self._lock)


@contextmanager
def _failing(name: str) -> Iterator[None]:
    try:
        yield
    except STAGE_ERRORS as error:
        raise StageFailed(name, str(error)) from error


@contextmanager
def open_project(root: Path) -> Iterator[Project]:
    """The project at `root`, locked, and the current folder. Raises PipelineError also for a file DVC cannot read."""
    with locked(root) as repo, chdir(root):  # DVC's run cache looks for dvc.yaml in the current folder
        try:
            project = Project(repo)
        except DvcException as error:
            raise PipelineError(f"{error}. Mend that file; git checkout brings back what was committed.") from error
        yield project


@contextmanager
def locked(root: Path) -> Iterator[Repo]:
    """The DVC repository at `root`, locked. Raises PipelineError if it is none, is in use, or has no UTF-8 name."""
    try:
        str(root.resolve()).encode()
        repo = Repo(str(root))
    except UnicodeEncodeError as error:
        raise PipelineError(f"DVC needs a path in UTF-8, and {str(root.resolve())!a} is none. Rename it.") from error
    except NotDvcRepoError as error:
        raise PipelineError(f"{root} is not a DVC repository. Run this from the project's folder.") from error
    except DvcException as error:
        where = f"{root}/.dvc/config, .dvc/config.local beside it or your own ~/.config/dvc/config"
        raise PipelineError(
            f"{where}: {error}. Mend that file; git checkout brings back what was committed."
        ) from error
    if Path(repo.root_dir).resolve() != root.resolve():
        raise PipelineError(f"{root} lies inside the DVC repository {repo.root_dir}. Run this from there.")
    lock, in_use = (root.resolve() / ".dvc" / "tmp" / name for name in ("lock", "rwlock"))
    with repo, ExitStack() as stack:
        try:
            stack.enter_context(lock_repo(repo))
        except LockError as error:
            holder = f"process {' '.join(lock.read_text(encoding='utf-8').split()[:1])} holds DVC's lock {lock}"
            raise PipelineError(f"{holder}. Only one run at a time: wait for it to end, or stop it.") from error
        try:
            json.loads(in_use.read_text(encoding="utf-8") if in_use.exists() else "{}")
        except ValueError:  # half written by one that was killed; while we hold the lock nobody uses what it lists
            in_use.unlink()
        yield repo


def replace_lock(path: Path, lock: Mapping[str, Any]) -> None:
    """Replace dvc.lock in one step by what DVC, which takes seconds for it after each stage, would write."""
    # As JSON an entry is a key for the cache, and no two of its places hold the same container, for which YAML would
    # write an alias.
    entries = [_render_entry(name, json.dumps(entry)) for name, entry in lock["stages"].items()]
    head = {key: value for key, value in lock.items() if key != "stages"}
    text = dumps_yaml(head) + "stages:\n" + "".join(entries) if entries else dumps_yaml(lock)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        draft = path.with_suffix(".lock.tmp")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)


@cache
def _render_entry(name: str, entry: str) -> str:
    return dumps_yaml({"stages": {name: json.loads(entry)}}).partition("\n")[2]


if __name__ == "__main__":
    if sys.argv[1:] != ["prune"]:
        sys.exit("error: say what to do: python -m flows.pipeline prune")
    try:
        with open_project(Path.cwd()) as opened:
            for removed in opened.prune():
                print(f"removed {removed.relative_to(Path.cwd().resolve())}: no stage writes it any more")
    except (PipelineError, DvcException, OSError) as failure:
        sys.exit(f"error: {failure}")
