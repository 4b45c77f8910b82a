"""The Prefect server of a run: one of our own on this machine, or the user's at PREFECT_API_URL.

Of Prefect's some two hundred settings every one that shapes a server's address, access or data would break one of ours,
and each release adds some. So a list says which of the user's hold, and not which do not.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import IO

import httpx
import prefect
from packaging.version import Version
from prefect.client.orchestration import ServerType, get_client, strip_auth_from_url
from prefect.context import refresh_global_settings_context
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows import DEFAULTS
from flows.commands import NO_PROXY_OF_STAGES, TAIL_LINES, PipelineError, guarded, last_lines

SECONDS_TO_START = 120.0
SECONDS_TO_MEND = 5.0  # one that answers, but not as it should, is not starting any more
PREFECT = [sys.executable, "-m", "prefect"]
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOGGING = "PREFECT_LOGGING_"  # how log lines look


def use_own_server(port: int, *kept: str) -> None:
    """Make this process, and all that it starts, one of our own server on `port`.

    Of the user's settings for Prefect only those hold that say how log lines look, and whose names begin as one of
    `kept`: neither variables, nor profiles, nor what .env, prefect.toml or pyproject.toml in the current folder say.
    """
    home = Path.cwd() / ".prefect"
    home.mkdir(exist_ok=True)
    for name in [name for name in os.environ if name.upper().startswith("PREFECT_")]:
        if not name.upper().startswith((LOGGING, *kept)):
            del os.environ[name]
    ours = {"PREFECT_HOME": str(home), "PREFECT_PROFILES_PATH": os.devnull}
    ours |= {"PREFECT_API_URL": f"http://127.0.0.1:{port}/api", "PREFECT_SERVER_API_PORT": str(port)}
    os.environ |= {**DEFAULTS, **os.environ, **ours}
    use_no_proxy()
    with chdir(home):
        refresh_global_settings_context()


def use_no_proxy() -> None:
    """Reach this machine directly from here, whatever proxies are set; the commands of stages use them as before.

    The asterisk is for httpx, which else refuses to start where it does not know the kind of one of the proxies.
    """
    before = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    os.environ.setdefault(NO_PROXY_OF_STAGES, before)
    os.environ |= dict.fromkeys(("no_proxy", "NO_PROXY"), ",".join(["*", *LOOPBACK, before]))


def free_port() -> int:
    """A port of this machine that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(port: int, output: IO[bytes] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Our Prefect server, once it answers, while the block lasts. Raises PipelineError when it does not start.

    Its lines go to the file `output`, and the last ones into the error; where there is none, to the terminal.
    """
    streams = {"stdout": output, "stderr": subprocess.STDOUT if output else None}
    with guarded([*PREFECT, "server", "start"], cwd=os.environ["PREFECT_HOME"], **streams) as process:
        end = time.monotonic() + SECONDS_TO_START
        while answer := _failing_answer(port):
            if (status := process.poll()) is not None or time.monotonic() > end:
                how = answer if status is None else f"it exited with {status}"
                where = f"Prefect's server did not start on port {port}"
                raise PipelineError(f"{where}: {how}; its last lines{_end_of(output)}")
            if answer.startswith("it answers"):
                end = min(end, time.monotonic() + SECONDS_TO_MEND)
            time.sleep(0.1)
        yield process


def _failing_answer(port: int) -> str:
    """What the server says of its health; nothing where it is well."""
    try:
        response = httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=10)
    except httpx.HTTPError as error:
        return f"it does not answer ({error})"
    what = f"it answers {response.status_code} {response.reason_phrase} at {response.url}"
    return "" if response.is_success else what


def _end_of(output: IO[bytes] | None) -> str:
    if output is None:
        return " are above"
    output.seek(0)
    return last_lines(output.read().decode("utf-8", "replace").splitlines()[-TAIL_LINES:])


def check_server(url: str) -> None:
    """Raises PipelineError unless the user's server is a Prefect server there that is not older than our Prefect."""
    ours, shown = Version(prefect.__version__), strip_auth_from_url(url)
    where = f"PREFECT_API_URL is {shown}, and"
    otherwise = "Mend it, or unset it: a run then starts a server of its own."
    try:
        if httpx.URL(url).host in LOOPBACK:
            use_no_proxy()
        quick = temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0})
        with quick, get_client(httpx_settings={"timeout": 10}, sync_client=True) as client:
            if client.server_type == ServerType.CLOUD:
                return
            theirs = Version(client.api_version())
    except (httpx.HTTPError, httpx.InvalidURL, ImportError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0].replace(url, shown)
        why = f"no Prefect server answers there as it should: {reason}"
        hint = "The address of one ends in /api, as http://127.0.0.1:4200/api does."
        if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in (401, 403):
            hint = "Set PREFECT_API_AUTH_STRING to what the server has in PREFECT_SERVER_API_AUTH_STRING."
        raise PipelineError(f"{where} {why}. {hint} {otherwise}") from error
    if theirs.major != ours.major or theirs.release[:2] < ours.release[:2]:
        allowed = f"it must be {ours.major}.{ours.minor} or a later {ours.major}, because this clone has {ours}"
        raise PipelineError(f"{where} the server there is Prefect {theirs}; {allowed}. {otherwise}")
