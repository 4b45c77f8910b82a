"""Faults under a real flow: killed at random moments, a killed stage, a stage that hangs, two runs at once."""

import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
import yaml

from flows.observing import read_timings
from tests.flows.test_pipeline import status
from tests.flows.toys import ROOT, run_module, toy_project
from tests.flows.waiting import SECONDS, await_end, await_line

SLOW_STAGE = "echo {name} >> log && for i in 1 2 3 4 5; do echo $i >> data/{name}; sleep 0.4; done"
NAMES = ("one", "two", "three", "four", "five", "six")
N_KILLS = 10
NEEDS_RAY = pytest.mark.skipif(find_spec("prefect_ray") is None, reason="pip install prefect-ray==0.6.0")


def slow_project(folder: Path) -> Path:
    """Six stages of two seconds that write their output bit by bit; each needs the one before the last."""
    stages = {}
    for place, name in enumerate(NAMES):
        needs = [f"data/{NAMES[place - 2]}"] if place > 1 else ["seed.txt"]
        stages[name] = {"cmd": SLOW_STAGE.format(name=name), "deps": needs, "outs": [f"data/{name}"]}
    return toy_project(folder, yaml.safe_dump({"stages": stages}))


def recorded(folder: Path) -> set[str]:
    lock = folder / "dvc.lock"
    return set(yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"]) if lock.exists() else set()


def commands_run(folder: Path) -> Counter[str]:
    return Counter((folder / "log").read_text(encoding="utf-8").split()) if (folder / "log").exists() else Counter()


def processes_in(folder: Path) -> list[str]:
    """The command lines of living processes whose current folder is `folder`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == folder:
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            continue
    return found


def await_none(folder: Path, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while processes_in(folder) and time.monotonic() < end:
        time.sleep(0.2)
    assert processes_in(folder) == []


@pytest.mark.slow
def test_killed_ten_times_at_random_moments_a_run_goes_on_where_it_was(tmp_path):
    folder = slow_project(tmp_path / "toy").resolve()
    moments = random.Random(4)
    for _ in range(N_KILLS):
        done, before = recorded(folder), commands_run(folder)
        flow = run_module(folder, "flows.benchmark")
        await_line(flow, "started", "up to date")  # the last stage may come from the run cache
        time.sleep(moments.uniform(0, 2.5))
        flow.send_signal(signal.SIGKILL)
        flow.wait(SECONDS)
        await_none(folder)
        after = commands_run(folder)
        assert all(after[name] == before[name] for name in done), "a finished stage ran again"
    last = run_module(folder, "flows.benchmark")
    output = await_end(last)
    assert last.returncode == 0, output
    assert {(folder / "data" / name).read_text(encoding="utf-8") for name in NAMES} == {"1\n2\n3\n4\n5\n"}
    assert status(folder) == {}


def command_of(flow: subprocess.Popen[str], stage: str) -> psutil.Process:
    """The first process of the stage's command, once it runs."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for process in psutil.Process(flow.pid).children(recursive=True):
            with suppress(psutil.Error):
                if f"data/{stage}" in " ".join(process.cmdline()):
                    return process
        time.sleep(0.1)
    raise AssertionError(f"stage {stage} has no process")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ([], "was killed by signal 9"),
        (["--cluster", "dask"], "the process that ran its command was killed"),
        pytest.param(["--cluster", "ray"], "the process that ran its command was killed", marks=NEEDS_RAY),
    ],
    ids=["its_command", "the_dask_worker", "the_ray_worker"],
)
def test_where_a_stage_is_killed_it_is_reported_and_the_rest_goes_on(tmp_path, options, reason):
    folder = slow_project(tmp_path / "toy").resolve()
    flow = run_module(folder, "flows.benchmark", "--workers", "2", *options)
    await_line(flow, "two started")
    command = command_of(flow, "two")
    (command.parent() if options else command).send_signal(signal.SIGKILL)
    output = await_end(flow)
    assert flow.returncode == 1, output
    assert "stage 'two' failed" in output and reason in output
    assert "not run because of that: four, six" in output
    assert recorded(folder) == {"one", "three", "five"}
    await_none(folder)


@pytest.mark.slow
@pytest.mark.parametrize("cluster", ["dask", pytest.param("ray", marks=NEEDS_RAY)])
def test_a_killed_run_ends_with_its_cluster_and_goes_on_next_time(tmp_path, cluster):
    folder = slow_project(tmp_path / "toy").resolve()
    command = ["flows.benchmark", "--workers", "2", "--cluster", cluster]
    flow = run_module(folder, *command)
    await_line(flow, "[2/6]")
    flow.kill()
    flow.wait(SECONDS)
    await_none(folder, SECONDS)  # Ray's agents look for their head for a minute
    done, before = recorded(folder), commands_run(folder)
    again = run_module(folder, *command)
    output = await_end(again)
    assert again.returncode == 0, output
    assert done and all(commands_run(folder)[name] == before[name] for name in done)
    assert {(folder / "data" / name).read_text(encoding="utf-8") for name in NAMES} == {"1\n2\n3\n4\n5\n"} and status(
        folder
    ) == {}
    await_none(folder, SECONDS)


@pytest.mark.slow
def test_a_stage_that_hangs_is_ended_and_a_second_run_hears_who_holds_the_lock(tmp_path):
    hangs = {"hangs": {"cmd": "echo hanging && sleep 600", "deps": ["seed.txt"], "outs": ["data/hangs"]}}
    folder = toy_project(tmp_path / "toy", yaml.safe_dump({"stages": hangs})).resolve()
    flow = run_module(folder, "flows.benchmark", "--hours-per-stage", str(20 / 3600))
    await_line(flow, "hanging")
    second = run_module(folder, "flows.benchmark")
    refused = await_end(second)
    assert second.returncode == 1 and f"process {flow.pid}" in refused and "holds DVC's lock" in refused, refused
    output = await_end(flow)
    assert flow.returncode == 1 and "took longer than 20 s and was ended" in output, output
    await_none(folder)
    assert list((folder / "data").iterdir()) == [] and recorded(folder) == set()


OF_OURS = """\
stages:
  one: {cmd: python -m stages hello > data/one, deps: [seed.txt], outs: [data/one]}
  two:
    cmd:
    - until test -S "$WARM_START_SOCKET"; do sleep 0.2; done
    - python -m stages hello && ls data/timings > data/two
    deps: [data/one]
    outs: [data/two]
"""


@pytest.mark.slow
def test_a_stage_that_starts_warm_is_timed_once(tmp_path):
    folder = toy_project(tmp_path / "toy", OF_OURS)
    (folder / "stages").mkdir()
    (folder / "stages" / "__init__.py").touch()
    (folder / "stages" / "hello.py").write_text("def main(argv): print('hello')\n", encoding="utf-8")
    shutil.copy(ROOT / "stages" / "__main__.py", folder / "stages")
    flow = run_module(folder, "flows.benchmark", "--hours-per-stage", "0.05")
    output = await_end(flow)
    assert flow.returncode == 0, output
    assert (folder / "data" / "one").read_text(encoding="utf-8") == "hello\n" and "hello" in output
    assert (folder / "data" / "two").read_text(encoding="utf-8") == "one.json\n", (
        "its guard has timed it, before the flow did"
    )
    assert list(read_timings(folder)) == ["one", "two"]


@pytest.mark.slow
def test_when_prefects_server_is_killed_the_run_ends_clearly_and_goes_on_next_time(tmp_path):
    folder = slow_project(tmp_path / "toy").resolve()
    flow = run_module(folder, "flows.benchmark", "--workers", "2")
    await_line(flow, "[1/6]")
    for process in psutil.Process(flow.pid).children(recursive=True):
        with suppress(psutil.Error):
            if "server start" in " ".join(process.cmdline()) or "prefect.server" in " ".join(process.cmdline()):
                process.kill()
    output = await_end(flow, 900)  # Prefect tries again and again to reach it, up to four minutes in all
    assert flow.returncode == 1 and "error: Prefect's server has gone" in output, output
    await_none(folder)
    done, before = recorded(folder), commands_run(folder)
    again = run_module(folder, "flows.benchmark")
    output = await_end(again)
    assert again.returncode == 0, output
    assert all(commands_run(folder)[name] == before[name] for name in done)
    assert {(folder / "data" / name).read_text(encoding="utf-8") for name in NAMES} == {"1\n2\n3\n4\n5\n"} and status(
        folder
    ) == {}
