"""The interface: its deployments run to the end, and nothing outlives it."""

import json
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.servers import free_port
from tests.flows.test_drills import NAMES, await_none, commands_run, recorded, slow_project
from tests.flows.test_pipeline import status
from tests.flows.toys import ROOT, run, run_module
from tests.flows.waiting import await_end, await_line

Served = tuple[Path, int, subprocess.Popen[str]]


@pytest.fixture
def served(tmp_path) -> Iterator[Served]:
    """A project with the deployments of ours, its interface up: its folder, the port, the process."""
    folder = slow_project(tmp_path / "toy").resolve()
    (folder / "flows").symlink_to(ROOT / "flows")
    shutil.copy(ROOT / "prefect.yaml", folder)
    (folder / "reports").mkdir()
    (folder / "reports" / "leaderboard.md").write_text("# Board", encoding="utf-8")
    port = free_port()
    ui = run_module(folder, "flows.ui", str(port))
    await_line(ui, "Ctrl-C ends the server")
    yield folder, port, ui
    if ui.poll() is None:
        ui.kill()
        await_end(ui)


def ask(port: int, path: str, content: dict | None = None, method: str | None = None) -> Any:
    data = None if content is None else json.dumps(content).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.loads(response.read() or "null")


def start(port: int, deployment: str, **parameters: Any) -> str:
    """The id of a new run of the deployment."""
    found = ask(port, f"deployments/name/benchmark/{deployment}")
    return ask(port, f"deployments/{found['id']}/create_flow_run", {"parameters": parameters})["id"]


def await_state(port: int, run_id: str, *names: str) -> dict:
    end = time.monotonic() + 180
    while (found := ask(port, f"flow_runs/{run_id}"))["state_type"] not in names:
        assert time.monotonic() < end, found["state"]
        time.sleep(0.5)
    return found


@pytest.mark.slow
def test_a_run_that_is_started_from_the_interface_ends_well_and_shows_its_progress(served):
    folder, port, ui = served
    found = await_state(port, start(port, "on-demand", targets=["three"], workers=2), "COMPLETED", "FAILED", "CRASHED")
    assert found["state_type"] == "COMPLETED" and found["state"]["message"] == "2 executed, 0 cached, 0 unchanged"
    assert recorded(folder) == {"one", "three"}
    artifacts = ask(port, "artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [found["id"]]}}})
    shown = {artifact["key"]: artifact["data"] for artifact in artifacts}
    assert shown.keys() == {"progress", "leaderboard"} and shown["progress"] == 100
    assert "# Board" in shown["leaderboard"]
    nightly = ask(port, "deployments/name/benchmark/nightly")
    assert [each["schedule"]["cron"] for each in nightly["schedules"]] == ["0 2 * * *"] and not nightly["paused"]
    ui.send_signal(signal.SIGINT)
    assert ui.wait(60) == 0
    await_none(folder)


@pytest.mark.slow
def test_an_interface_that_starts_again_runs_nothing_that_it_missed_and_leaves_off_what_is_off(served):
    folder, port, ui = served
    nightly, on_demand = (ask(port, f"deployments/name/benchmark/{name}") for name in ("nightly", "on-demand"))
    place = f"deployments/{nightly['id']}/schedules/{nightly['schedules'][0]['id']}"
    in_two_minutes = datetime.now(UTC) + timedelta(minutes=2)
    cron = {"cron": f"{in_two_minutes.minute} * * * *", "timezone": "UTC"}
    ask(port, place, {"schedule": cron}, method="PATCH")
    while not runs_of(port, nightly["id"]):
        assert datetime.now(UTC) < in_two_minutes, "Prefect has scheduled no run"
        time.sleep(1)
    ask(port, f"deployments/{on_demand['id']}/pause_deployment", {})
    ui.send_signal(signal.SIGTERM)
    assert ui.wait(60) == 0
    time.sleep(max(0.0, (in_two_minutes - datetime.now(UTC)).total_seconds()))
    again = run_module(folder, "flows.ui", str(port))
    try:
        await_line(again, "Ctrl-C ends the server")
        assert runs_of(port, nightly["id"]) == []
        assert not ask(port, "deployments/name/benchmark/nightly")["paused"]
        found = ask(port, "deployments/name/benchmark/on-demand")
        assert found["paused"]
        ask(port, f"deployments/{nightly['id']}/schedules/{schedule_of(port)['id']}", {"active": False}, method="PATCH")
        again.send_signal(signal.SIGTERM)
        assert again.wait(60) == 0
        again = run_module(folder, "flows.ui", str(port))
        await_line(again, "Ctrl-C ends the server")
        assert not schedule_of(port)["active"] and schedule_of(port)["schedule"]["cron"] == "0 2 * * *"
    finally:
        again.kill()
        await_end(again)


def runs_of(port: int, deployment: str) -> list[dict]:
    """Those that are late, were started or will be within the hour."""
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    those = {"deployment_id": {"any_": [deployment]}, "expected_start_time": {"before_": soon}}
    return ask(port, "flow_runs/filter", {"flow_runs": those})


def schedule_of(port: int) -> dict:
    """That of the nightly deployment."""
    (schedule,) = ask(port, "deployments/name/benchmark/nightly")["schedules"]
    return schedule


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_ends_with_the_interface_and_goes_on_next_time(served, number):
    folder, port, ui = served
    start(port, "on-demand", workers=2)
    end = time.monotonic() + 120
    while not commands_run(folder):
        assert time.monotonic() < end, "no stage has started"
        time.sleep(0.2)
    ui.send_signal(number)
    ui.wait(60)
    await_none(folder, 30)
    done, before = recorded(folder), commands_run(folder)
    assert done < set(NAMES)
    run(folder)
    assert all(commands_run(folder)[name] == before[name] for name in done) and status(folder) == {}
