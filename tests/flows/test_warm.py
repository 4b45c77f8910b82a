"""A stage started warm behaves as one started cold: folder, arguments, environment, streams, status, signals."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.warm import SOCKET_VARIABLE, warm_start
from tests.flows.test_commands import assert_ends
from tests.flows.toys import ROOT
from tests.flows.waiting import await_end, await_line

SHOW = """\
import multiprocessing, os, sys
def square(number):
    return number * number
def main(argv=None):
    print(os.getcwd(), argv, os.environ["TOY"], sys.stdin.read(), "server" if "colorsys" in sys.modules else "cold")
    print("to stderr", file=sys.stderr)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(square, [3]))
"""
FAIL = """\
import json, sys
def main(argv=None):
    if argv[0] == "ours": raise ValueError("steps is -1; it must be positive")
    if argv[0] == "theirs": json.loads("{")
    if argv[0] == "file": open("missing.txt")
    sys.exit(int(argv[0]))
"""
WAIT = """\
import os, subprocess, time
def main(argv=None):
    child = subprocess.Popen(["sleep", "60"])
    print(os.getpid(), child.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "stages").mkdir()
    (folder / "stages" / "__init__.py").touch()
    shutil.copy(ROOT / "stages" / "__main__.py", folder / "stages")
    for name, text in (("show", SHOW), ("fail", FAIL), ("wait", WAIT)):
        (folder / "stages" / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module", params=["cold", "warm"])
def environment(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    plain = {key: value for key, value in os.environ.items() if key != SOCKET_VARIABLE} | {"TOY": "toy value"}
    if request.param == "cold":
        yield plain
        return
    with warm_start(["colorsys"]) as additions:
        await_socket(Path(additions[SOCKET_VARIABLE]))
        yield plain | additions


def await_socket(path: Path) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, "the server did not start"
        time.sleep(0.05)


def start(project: Path, environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "stages", *arguments]
    # What a shell starts in the background ignores SIGINT, and its children with it: not so the stage under test.
    return subprocess.Popen(
        command,
        cwd=project,
        env=environment,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        encoding="utf-8",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        process_group=0,  # as a terminal and the flow do
    )


def test_a_stage_sees_folder_arguments_environment_and_streams(project: Path, environment: dict[str, str]) -> None:
    process = start(project, environment, "show", "--seed", "1 2")
    output, errors = process.communicate("typed", timeout=30)
    how = "server" if SOCKET_VARIABLE in environment else "cold"
    assert output == f"{project} ['--seed', '1 2'] toy value typed {how}\n[9]\n"
    assert (errors, process.returncode) == ("to stderr\n", 0)


def test_our_errors_are_one_line_and_those_of_libraries_keep_their_traceback(
    project: Path, environment: dict[str, str]
) -> None:
    process = start(project, environment, "fail", "ours")
    assert process.communicate(timeout=30)[1] == "error: steps is -1; it must be positive\n"
    assert process.returncode == 1
    assert "error: [Errno 2]" in start(project, environment, "fail", "file").communicate(timeout=30)[1]
    process = start(project, environment, "fail", "theirs")
    assert "Traceback" in process.communicate(timeout=30)[1]
    assert process.returncode == 1


def test_the_exit_status_comes_back(project: Path, environment: dict[str, str]) -> None:
    process = start(project, environment, "fail", "7")
    process.communicate(timeout=30)
    assert process.returncode == 7


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGKILL, -9)])
def test_what_ends_the_command_ends_the_stage_and_its_children(
    project: Path, environment: dict[str, str], number: int, status: int
) -> None:
    process = start(project, environment, "wait")
    pids = list(map(int, await_line(process).split()))
    os.killpg(process.pid, number)
    assert process.wait(timeout=10) == status
    for pid in pids:
        assert_ends(pid)
    assert "Traceback" not in process.communicate(timeout=30)[1]


def test_an_unknown_stage_is_answered_with_the_known_ones(project: Path, environment: dict[str, str]) -> None:
    process = start(project, environment, "shwo")
    assert "no stage 'shwo'; did you mean 'show'? Known: fail, show, wait." in process.communicate(timeout=30)[1]
    assert process.returncode == 2


def test_the_wrapper_returns_the_status_of_its_command(tmp_path: Path) -> None:
    script = f"import os; assert os.environ['{SOCKET_VARIABLE}']; raise SystemExit(5)"
    command = [sys.executable, "-m", "flows.warm", "--", sys.executable, "-c", script]
    assert subprocess.run(command, cwd=ROOT, timeout=60, check=False).returncode == 5


def test_the_server_stops_when_whoever_started_it_is_killed(tmp_path: Path) -> None:
    script = (
        "import time; from flows.warm import warm_start\n"
        "with warm_start(['colorsys']) as additions:\n"
        "    print(list(additions.values())[0], flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8")
    path = Path(await_line(owner).strip())
    await_socket(path)
    owner.kill()
    await_end(owner)
    end = time.monotonic() + 10
    while subprocess.run(["pgrep", "-f", str(path)], capture_output=True, check=False).returncode == 0:
        assert time.monotonic() < end, "the server is still there"
        time.sleep(0.1)
    shutil.rmtree(path.parent)
