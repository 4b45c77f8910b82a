"""Commands: what they print, and how they end, with us, with their time or with the run that started them."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from flows.commands import Command, Limits, StageFailed, guarded, heed_interrupts, holding, run_command
from tests.flows.waiting import await_end, await_line


def shell(folder: Path, script: str) -> Command:
    return Command("s", (("sh", "-c", script),), str(folder), {})


def test_lines_arrive_while_the_command_runs_and_stragglers_are_killed(tmp_path: Path) -> None:
    script = "echo one; echo two >&2; sleep 60 & echo $!"
    lines: list[str] = []
    started = time.monotonic()
    run_command(Command("s", (("sh", "-c", script),), str(tmp_path), {}), lines.append, {}, Limits())
    assert lines[:2] == ["one", "two"]
    assert time.monotonic() - started < 10
    assert_ends(int(lines[2]))


def test_what_is_guarded_ends_with_its_block_and_with_all_its_processes() -> None:
    with guarded(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, encoding="utf-8") as process:
        pid = int(await_line(process))
        assert psutil.pid_exists(pid)
    assert_ends(pid)


def assert_ends(pid: int, seconds: float = 5.0) -> None:
    """The process is gone, or a zombie nobody reaps, within `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return
        except psutil.NoSuchProcess:
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} is still running")


def test_a_command_whose_starter_is_killed_ends_with_all_its_processes(tmp_path: Path) -> None:
    script = "from tests.flows.test_commands import *; run_command(shell(Path(), sys.argv[1]), print, {}, Limits())"
    command = [sys.executable, "-u", "-c", script, "sleep 60 & echo $!; wait"]
    root = Path(__file__).resolve().parents[2]
    starter = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, encoding="utf-8")
    pid = int(await_line(starter))
    starter.send_signal(signal.SIGKILL)
    await_end(starter)
    assert_ends(pid)


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    lines: list[str] = []
    with pytest.raises(StageFailed, match="took longer than 1 s and was ended"):
        run_command(shell(tmp_path, "sleep 60 & echo $!; wait"), lines.append, {}, Limits(seconds=1))
    assert_ends(int(lines[0]))


def test_a_killed_command_is_named_with_the_signal(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="was killed by signal 9"):
        run_command(shell(tmp_path, "kill -KILL $$"), lambda line: None, {}, Limits())


def test_a_command_runs_on_its_cores_and_leaves_ours_alone(tmp_path: Path) -> None:
    ours, lines = os.sched_getaffinity(0), []
    core = max(ours)
    script = f"{sys.executable} -c 'import os; print(sorted(os.sched_getaffinity(0)))'"
    run_command(shell(tmp_path, script), lines.append, {}, Limits(cores={core}))
    assert lines == [str([core])] and os.sched_getaffinity(0) == ours


def test_commands_in_other_threads_end_with_their_run_and_none_starts_after_it(tmp_path: Path) -> None:
    reasons: list[str] = []

    def run(begun: threading.Event, limits: Limits) -> None:
        with pytest.raises(StageFailed) as caught:
            run_command(shell(tmp_path, "echo begun; sleep 60"), lambda line: begun.set(), {}, limits)
        reasons.append(caught.value.reason)

    limits = Limits(run=tmp_path / "run")
    with holding(tmp_path / "run"):
        pairs = [(threading.Event(), limits) for _ in range(2)]
        threads = [threading.Thread(target=run, args=pair) for pair in pairs]
        for thread, (begun, _) in zip(threads, pairs, strict=True):
            thread.start()
            assert begun.wait(10)
    for thread in threads:
        thread.join(20)
    assert len(reasons) == 2 and all("was ended, because its run is over" in reason for reason in reasons)
    with pytest.raises(StageFailed, match="its run is over"):
        run_command(shell(tmp_path, "true"), lambda line: None, {}, limits)


def test_a_run_that_is_killed_is_over(tmp_path: Path) -> None:
    path = tmp_path / "run"
    script = (
        "import sys; from flows.commands import *\nwith holding(Path(sys.argv[1])): print(flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(path)]
    run = subprocess.Popen(command, cwd=Path(__file__).resolve().parents[2], stdout=subprocess.PIPE, encoding="utf-8")
    await_line(run)
    assert not Limits(run=path).is_over()
    run.kill()
    await_end(run)
    assert path.exists() and Limits(run=path).is_over() and not Limits().is_over()


def test_interrupts_are_heeded_where_a_script_started_us_in_the_background() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]  # as its shell does for SIGINT
    try:
        heed_interrupts()
        for number in numbers:
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), number)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
