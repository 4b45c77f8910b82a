"""Stages as Prefect tasks: one a stage, run by threads here or in the workers of a Dask or Ray cluster."""

import logging
import shutil
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.commands import Command, Limits, PipelineError, StageFailed, holding, run_command, unknown
from flows.fingerprints import FINGERPRINT
from flows.scheduler import Start
from flows.warm import warm_start


def is_here(cluster: str) -> bool:
    """Whether its workers are on this machine, and so share the cores of this process."""
    return "://" not in cluster


def task_runner(cluster: str, n_workers: int) -> TaskRunner[Any]:
    """The runner for `cluster`: none, `dask` or `ray` for as many worker processes of our own, or an address."""
    # Ray's `local`: one of our own, also where somebody has started one on this machine.
    ours: dict[str, dict[str, Any]] = {
        "dask": {"cluster_kwargs": {"n_workers": n_workers, "threads_per_worker": 1, "dashboard_address": None}},
        "ray": {"init_kwargs": {"address": "local", "num_cpus": n_workers, "include_dashboard": False}},
    }
    if not cluster:
        return ThreadPoolTaskRunner(max_workers=n_workers)
    if is_here(cluster) and cluster not in ours:
        places = ["tcp://HOST:8786 of a Dask scheduler", "ray://HOST:10001 of a Ray head"]
        raise unknown("cluster", cluster, [*ours, *places])
    kind = "ray" if cluster.startswith("ray") else "dask"
    try:
        runner = getattr(import_module(f"prefect_{kind}"), f"{kind.capitalize()}TaskRunner")
    except ImportError as error:
        raise PipelineError(f"a {kind} cluster needs a package: pip install prefect-{kind} ({error})") from error
    logging.getLogger("distributed").setLevel(logging.ERROR)
    return runner(**ours[kind] if is_here(cluster) else {"address": cluster})


@task(task_run_name="{command.stage}", cache_policy=NO_CACHE, retries=0)
def run_stage(command: Command, environment: Mapping[str, str], limits: Limits) -> State[Any]:
    """Run one stage's command, each line to the log of this task.

    Once: a cluster gives the task of a lost worker to another, and what the first has half written must not meet it.
    """
    log = get_run_logger()
    try:
        Path(f"{limits.run}-{command.stage}").touch(exist_ok=False)
        run_command(command, lambda line: log.info("%s", line), environment, limits)
    except FileExistsError:
        return Failed(message="the process that ran its command was killed, or lost its connection")
    except StageFailed as failure:
        return Failed(message=failure.reason)
    return Completed()


@contextmanager
def tasks(root: Path, runner: TaskRunner[Any], n_workers: int, seconds_per_stage: float) -> Iterator[Start]:
    """What starts commands as tasks, while the block lasts; they start warm where more than one of ours is to run."""
    folder = root.resolve() / ".dvc" / "tmp" / "runs"
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
    folder.mkdir(parents=True)
    mark, environment, ours = folder / uuid4().hex, {}, count()

    def execute(command: Command, cores: Collection[int]) -> None:
        as_task = run_stage.with_options(tags=[command.stage.partition("@")[0]])
        limits = Limits(cores, seconds_per_stage, mark)
        try:
            future = runner.submit(as_task, {"command": command, "environment": dict(environment), "limits": limits})
            future.wait()
            if not future.state.is_final():
                future.result(raise_on_failure=False)  # raises what kept the task from its end
        except Exception as error:  # whatever a task runner, a cluster or Prefect's server has to say
            raise StageFailed(command.stage, f"its task ended without a result: {error!r}") from error
        if not future.state.is_completed():
            raise StageFailed(command.stage, str(future.state.message))

    def start(command: Command, cores: Collection[int]) -> "Future[None]":
        # Importing once for all takes as long as for one; the fingerprints need no import, so it goes on meanwhile.
        is_ours = any("-m stages " in argv[-1] for argv in command.argvs)
        if is_ours and not environment and (command.stage == FINGERPRINT or next(ours) == 1):
            environment.update(stack.enter_context(warm_start()))
        return pool.submit(copy_context().run, execute, command, cores)

    with ExitStack() as stack:
        stack.enter_context(runner)
        pool = stack.enter_context(ThreadPoolExecutor(n_workers))
        stack.enter_context(holding(mark))  # let go of first: then the commands end, and what waits for them
        yield start
