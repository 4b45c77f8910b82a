"""Prefect's interface for this project, all on this machine: `make ui`, or `python -m flows.ui [PORT]`.

Starts the server, a process work pool with a worker, and the deployments of prefect.yaml; Ctrl-C ends them. Runs are
kept in .prefect/ (SQLite), or in the database that PREFECT_SERVER_DATABASE_CONNECTION_URL names.
"""

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import flows.settings  # noqa: F401  # before any other of Prefect

# isort: split
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import StateType

from flows.commands import PipelineError, guarded, heed_interrupts
from flows.servers import PREFECT, server, use_own_server

ROOT = "BENCHMARK_ROOT"  # for prefect.yaml; and so a run knows that it was started from here
DATABASE = "PREFECT_SERVER_DATABASE_"
SCHEDULED = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])))
WHERE = """
Prefect is at {url}
  Deployments > benchmark/on-demand > Run > Custom run: choose targets or a profile, for example smoke
  Deployments > benchmark/nightly: its schedule, at 02:00 UTC; the switch beside it pauses it
  Runs > a run: its stages as tasks with their logs, and its artifacts: the progress, the leaderboard
Ctrl-C ends the server and the worker; a run that is going on ends with them and continues next time."""


def serve(root: Path, port: int) -> None:
    """Start everything, say where to click, and wait. Raises PipelineError when a part does not start, or ends."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise PipelineError(f"port {port} is in use; stop what uses it, or name another: python -m flows.ui PORT")
    use_own_server(port, DATABASE)
    os.environ[ROOT] = str(root)
    worker = [*PREFECT, "worker", "start", "--pool", "local", "--limit", "1"]
    with server(port) as running_server:
        _run("work-pool", "create", "local", "--type", "process", "--overwrite")
        _deploy()
        with guarded(worker, cwd=os.environ["PREFECT_HOME"]) as running_worker:
            print(WHERE.format(url=f"http://127.0.0.1:{port}"), flush=True)
            while running_server.poll() is None and running_worker.poll() is None:
                time.sleep(1)
    raise PipelineError("the server or the worker has ended; its last lines are above. Run `make ui` again.")


def _deploy() -> None:
    """Register the deployments of prefect.yaml; what somebody has switched off stays off.

    Runs that were due while no interface was up are dropped: a worker would now start them one after the other.
    """
    with get_client(sync_client=True) as client:
        before = {each.name: each for each in client.read_deployments()}
        _run("--no-prompt", "deploy", "--all")
        for run in client.read_flow_runs(flow_run_filter=SCHEDULED):
            if run.auto_scheduled:
                client.delete_flow_run(run.id)  # those to come are scheduled again
        for deployment in client.read_deployments():
            was = before.get(deployment.name, deployment)
            if was.paused:
                client.pause_deployment(deployment.id)
            for schedule, its in zip(deployment.schedules, was.schedules, strict=False):
                client.update_deployment_schedule(deployment.id, schedule.id, active=its.active)


def _run(*arguments: str) -> None:
    done = subprocess.run([*PREFECT, *arguments], capture_output=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        raise PipelineError(f"`prefect {' '.join(arguments)}` failed: {done.stdout.strip()} {done.stderr.strip()}")


def read_port(words: list[str]) -> int:
    """The port that the command line names, or Prefect's own."""
    with suppress(ValueError):
        if (port := int(" ".join(words) or 4200)) in range(1, 2**16):
            return port
    raise PipelineError(f"{' '.join(words)!r} is no port; it must be a number from 1 to 65535, as in flows.ui 4201.")


if __name__ == "__main__":
    heed_interrupts()
    try:
        serve(Path.cwd(), read_port(sys.argv[1:]))
    except (PipelineError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(0)
