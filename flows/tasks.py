"""Stages as Prefect tasks: one a stage, run by the threads or the cluster of a task runner."""

import os
import shutil
import sys
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from uuid import uuid4

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Completed, Failed
from prefect.task_runners import TaskRunner

from flows.commands import Command, Lease, Limits, StageFailed, allow_commands, run_command, stop_commands
from flows.warm import warm_start


@task(task_run_name="{command.stage}", cache_policy=NO_CACHE)
def run_stage(command: Command, environment: Mapping[str, str], limits: Limits, started: Path) -> State[Any]:
    """Run one stage's command, each line to the log of this task.

    Once: a cluster gives the task of a lost worker to another, and what the first has half written must not meet it.
    """
    log = get_run_logger()
    try:
        started.touch(exist_ok=False)
    except FileExistsError:
        failure = StageFailed(command.stage, "the process that ran its command was killed, or lost its connection")
        return Failed(message=str(failure), data=failure)
    # dvc.yaml says `python`: it must be that of this worker, whether or not its environment is activated.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    try:
        run_command(command, lambda line: log.info("%s", line), {**environment, "PATH": path}, limits)
    except StageFailed as failure:
        return Failed(message=str(failure), data=failure)
    return Completed()


class Tasks:
    """Runs the commands of stages as Prefect tasks, warm once a second one of ours is to run; a context manager.

    Left by an exception, an interrupt for example, it ends the commands first.
    """

    def __init__(self, root: Path, runner: TaskRunner[Any], seconds_per_stage: float, lease: Lease | None) -> None:
        self._runner, self._seconds, self._lease = runner, seconds_per_stage, lease
        self._marks = root.resolve() / ".dvc" / "tmp" / "started"
        self._environment: dict[str, str] = {}
        self._n_ours = 0
        self._ended: SimpleQueue[tuple[str, PrefectFuture[Any]]] = SimpleQueue()

    def __enter__(self) -> "Tasks":
        allow_commands()
        shutil.rmtree(self._marks, ignore_errors=True)  # of a run that was killed
        self._marks.mkdir(parents=True)
        self._stack = ExitStack()
        self._stack.enter_context(self._runner)
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is not None:
                stop_commands()
        finally:
            self._stack.close()

    def start(self, command: Command, cores: Collection[int]) -> None:
        """See flows.scheduler.Runner."""
        if any("-m stages " in argv[-1] for argv in command.argvs):
            self._n_ours += 1
            if self._n_ours == 2:  # importing once for all takes as long as for one
                self._environment.update(self._stack.enter_context(warm_start()))
        as_task = run_stage.with_options(tags=[command.stage.partition("@")[0]])
        limits = Limits(cores, self._seconds, self._lease)
        parameters = {"command": command, "environment": dict(self._environment), "limits": limits}
        future = self._runner.submit(as_task, {**parameters, "started": self._marks / uuid4().hex})
        future.add_done_callback(lambda done: self._ended.put((command.stage, done)))

    def wait(self) -> tuple[str, StageFailed | None]:
        """See flows.scheduler.Runner."""
        stage, future = self._ended.get()
        try:
            future.wait()  # the state is not there yet when the callback is called
            if not future.state.is_final():
                future.result(raise_on_failure=False)  # raises what kept the task from its end
        except Exception as error:  # whatever a task runner, a cluster or Prefect's server has to say
            return stage, StageFailed(stage, f"its task ended without a result: {error!r}")
        if future.state.is_completed():
            return stage, None
        error = future.state.result(raise_on_failure=False)
        return stage, error if isinstance(error, StageFailed) else StageFailed(stage, str(future.state.message))
