"""Prefect's interface for this project, all on this machine: `make ui`, or `python -m flows.ui [PORT]`.

Starts the server, a process work pool with a worker, and the deployments of prefect.yaml; Ctrl-C ends them. Runs are
kept in .prefect/ (SQLite), or in the database that PREFECT_SERVER_DATABASE_CONNECTION_URL names.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import StateType
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.commands import PipelineError, guarded

ROOT = "BENCHMARK_ROOT"  # for prefect.yaml; and so a run knows that it was started from here
SECONDS_TO_START = 120.0
PREFECT = [sys.executable, "-m", "prefect"]
SCHEDULED = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])))
WHERE = """
Prefect is at {url}
  Deployments > benchmark/on-demand > Run > Custom run: choose targets or a profile, for example smoke
  Deployments > benchmark/nightly: its schedule, at 02:00 UTC; the switch beside it pauses it
  Runs > a run: its stages as tasks with their logs, and its artifacts: the progress, the leaderboard, the claims
Ctrl-C ends the server and the worker; a run that is going on ends with them and continues next time."""


def environment_of(port: int) -> dict[str, str]:
    """Our environment for a program that talks to the server on `port`, or is it."""
    return {**os.environ, "PREFECT_API_URL": f"http://127.0.0.1:{port}/api", "PREFECT_SERVER_API_PORT": str(port)}


def free_port() -> int:
    """A port of this machine that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(port: int, **options: Any) -> Iterator[subprocess.Popen[bytes]]:  # noqa: ANN401  # Popen's
    """Prefect's server, once it answers, while the block lasts. Raises PipelineError when it does not start."""
    environment, end = environment_of(port), time.monotonic() + SECONDS_TO_START
    with guarded([*PREFECT, "server", "start"], env=environment, **options) as process:
        is_up = False
        while not is_up:
            if time.monotonic() > end or process.poll() is not None:
                raise PipelineError(f"Prefect's server did not start on port {port}; its last lines are above")
            time.sleep(0.1)
            with suppress(httpx.HTTPError):
                is_up = httpx.get(f"{environment['PREFECT_API_URL']}/health", timeout=2).is_success
        yield process


def serve(root: Path, port: int) -> None:
    """Start everything, say where to click, and wait. Raises PipelineError when a part does not start, or ends."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise PipelineError(f"port {port} is in use; stop what uses it, or name another: python -m flows.ui PORT")
    environment = {**environment_of(port), ROOT: str(root)}
    worker = [*PREFECT, "worker", "start", "--pool", "local", "--limit", "1"]
    with server(port) as running_server:
        _run(["work-pool", "create", "local", "--type", "process", "--overwrite"], environment)
        _deploy(environment)
        with guarded(worker, env=environment) as running_worker:
            print(WHERE.format(url=f"http://127.0.0.1:{port}"), flush=True)
            while running_server.poll() is None and running_worker.poll() is None:
                time.sleep(1)
    raise PipelineError("the server or the worker has ended; its last lines are above. Run `make ui` again.")


def _deploy(environment: Mapping[str, str]) -> None:
    """Register the deployments of prefect.yaml; what somebody has switched off stays off.

    Runs that were due while no interface was up are dropped: a worker would now start them one after the other.
    """
    there = temporary_settings({PREFECT_API_URL: environment["PREFECT_API_URL"]})
    with there, get_client(sync_client=True) as client:
        before = {each.name: each for each in client.read_deployments()}
        _run(["--no-prompt", "deploy", "--all"], environment)
        for run in client.read_flow_runs(flow_run_filter=SCHEDULED):
            if run.auto_scheduled:
                client.delete_flow_run(run.id)  # those to come are scheduled again
        for deployment in client.read_deployments():
            was = before.get(deployment.name, deployment)
            if was.paused:
                client.pause_deployment(deployment.id)
            for schedule, its in zip(deployment.schedules, was.schedules, strict=False):
                client.update_deployment_schedule(deployment.id, schedule.id, active=its.active)


def _run(arguments: list[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        [*PREFECT, *arguments], env=dict(environment), capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode != 0:
        raise PipelineError(f"`prefect {' '.join(arguments)}` failed: {done.stdout.strip()} {done.stderr.strip()}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        serve(Path.cwd(), int(sys.argv[1]) if sys.argv[1:] else 4200)
    except PipelineError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(0)
