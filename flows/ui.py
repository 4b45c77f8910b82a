"""Prefect's interface for this project, all on this machine: `make ui`, or `python -m flows.ui [--port N]`.

Starts the server, a process work pool with a worker, the deployments of prefect.yaml, and, on the next port, the pages
of reports/; Ctrl-C ends them. What was run is kept in .prefect/ (SQLite), or in the database that
PREFECT_SERVER_DATABASE_CONNECTION_URL names.
"""

import argparse
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import StateType
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import pages
from flows.commands import PipelineError, guarded
from flows.lifeline import lifeline
from flows.server import environment_of, server, url_of

POOL = "local"
SCHEDULED = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])))
WHERE = """
Prefect is at {url}
  Deployments > benchmark/on-demand > Run > Custom run: choose targets or a profile, for example smoke
  Deployments > benchmark/nightly: its schedule, at 02:00 UTC; the switch beside it pauses it
  Runs > a run: its stages as tasks with their logs, and its artifacts: the progress, the leaderboard, the claims
  {url}/artifacts/key/leaderboard: the leaderboard as it was last made
  {pages}/reports/leaderboard.html: its page, once there is one; the runs link to theirs
Ctrl-C ends the server and the worker; a run that is going on ends with them and continues next time."""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 after Ctrl-C, 1 with an error."""
    parser = argparse.ArgumentParser(prog="python -m flows.ui", description="Prefect's interface for this project.")
    parser.add_argument("--port", type=int, default=4200)
    port = parser.parse_args(argv).port
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        serve(Path.cwd(), port)
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def serve(root: Path, port: int) -> None:
    """Start everything, say where to click, and wait. Raises PipelineError when a part does not start, or ends."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise PipelineError(
                f"port {port} is in use; stop what uses it, or name another: python -m flows.ui --port N"
            )
    worker_command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--limit", "1"]
    ours = environment_of(port)
    with lifeline() as end, pages.served(root, port + 1) as where_pages, server(port, ours) as running_server:
        environment = {**ours, **end, **where_pages}
        _run(["work-pool", "create", POOL, "--type", "process", "--overwrite"], environment)
        _deploy(url_of(port), environment)
        with guarded(worker_command, env=environment) as worker:
            print(WHERE.format(url=url_of(port).removesuffix("/api"), pages=where_pages[pages.ADDRESS]), flush=True)
            while running_server.poll() is None and worker.poll() is None:
                time.sleep(1)
    raise PipelineError("the server or the worker has ended; its last lines are above. Run `make ui` again.")


def _deploy(url: str, environment: Mapping[str, str]) -> None:
    """Register the deployments of prefect.yaml; what somebody has switched off stays off.

    Runs that were due while no interface was up are dropped: a worker would now start them one after the other.
    """
    with temporary_settings({PREFECT_API_URL: url}), get_client(sync_client=True) as client:
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


def _run(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "prefect", *arguments]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PipelineError(f"`prefect {' '.join(arguments)}` failed: {done.stdout.strip()} {done.stderr.strip()}")


if __name__ == "__main__":
    sys.exit(main())
