"""Prefect's server on this machine: for one run, where the user has none, or for the interface (flows/ui.py)."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from flows import DEFAULTS, ENVIRONMENT
from flows.commands import PipelineError, guarded

SECONDS_TO_START = 120.0
RECORDER = "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER"
SETTINGS = {
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_LOGGING_SERVER_LEVEL": "ERROR",
    # Once a second and not at each event: a task that asks for its tags' limits while SQLite writes waits 2 s for them.
    f"{RECORDER}_BATCH_SIZE": "100",
    f"{RECORDER}_FLUSH_INTERVAL": "1",
}


def environment_of(port: int) -> dict[str, str]:
    """Our environment for a program that talks to the server on `port`, or is it."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    address = {"PREFECT_API_URL": url_of(port), "PREFECT_SERVER_API_PORT": str(port)}
    return {**DEFAULTS, **os.environ, **ENVIRONMENT, **SETTINGS, **address, "PATH": path}


def url_of(port: int) -> str:
    """Of the interface of the server on `port`: http://127.0.0.1:4200/api."""
    return f"http://127.0.0.1:{port}/api"


def free_port() -> int:
    """A port of this machine that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(port: int, environment: Mapping[str, str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:  # noqa: ANN401
    """A server that answers, while the block lasts. Raises PipelineError when it does not start."""
    command = [sys.executable, "-m", "prefect", "server", "start"]
    with guarded(command, env=dict(environment), **options) as process:
        end = time.monotonic() + SECONDS_TO_START
        while not _answers(port):
            if time.monotonic() > end or process.poll() is not None:
                raise PipelineError(f"Prefect's server did not start at {url_of(port)}; its last lines are above")
            time.sleep(0.2)
        yield process


def _answers(port: int) -> bool:
    with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
        with urllib.request.urlopen(f"{url_of(port)}/health", timeout=2):
            return True
    return False
