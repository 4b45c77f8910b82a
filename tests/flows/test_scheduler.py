"""Which stages run together, on which cores, in which order."""

import threading
from concurrent.futures import Future
from pathlib import Path

import pytest
import yaml

from flows.commands import PipelineError, StageFailed
from flows.pipeline import open_project
from flows.scheduler import Run, Workers
from tests.flows.toys import execute, run, toy_project

WIDE = """\
stages:
  first: {cmd: echo 1 > data/first, deps: [seed.txt], outs: [data/first]}
  short: {cmd: cat data/first > data/short, deps: [data/first], outs: [data/short]}
  long: {cmd: cat data/first > data/long, deps: [data/first], outs: [data/long]}
  after: {cmd: cat data/long > data/after, deps: [data/long], outs: [data/after]}
  last: {cmd: cat data/short data/after > data/last, deps: [data/short, data/after], outs: [data/last]}
"""


class Threads:
    """Runs each command in a thread; notes which ran beside which, on which cores."""

    def __init__(self, *, failing: str = "") -> None:
        self.failing, self.started, self.most = failing, [], 0
        self.gpus: dict[str, str] = {}

    def start(self, command, cores):
        self.started.append((command.stage, tuple(cores)))
        if "CUDA_VISIBLE_DEVICES" in command.environment:
            self.gpus[command.stage] = command.environment["CUDA_VISIBLE_DEVICES"]
        ended = Future()
        threading.Thread(target=self._run, args=(command, ended)).start()
        return ended

    def _run(self, command, ended):
        if command.stage == self.failing:
            ended.set_exception(StageFailed(command.stage, "asked to"))
        else:
            ended.set_result(execute(command))

    def tell(self, run, *news):
        self.most = max(self.most, len(run.running))


def run_with(folder: Path, runner: Threads, number: int, cores: set[int], **options):
    with open_project(folder) as project:
        run = Run(project, runner.start, Workers(number, frozenset(cores)), tell=runner.tell, **options)
        return run.bring_up_to_date(project.select([]))


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    return toy_project(tmp_path / "wide", WIDE)


def test_stages_that_are_ready_run_together_on_cores_of_their_own(wide):
    runner = Threads()
    outcomes = run_with(wide, runner, 2, {0, 1, 2, 3})
    assert set(outcomes.values()) == {"executed"} and list(outcomes) == ["first", "short", "long", "after", "last"]
    cores = dict(runner.started)
    assert runner.most == 2
    assert len(cores["first"]) == len(cores["last"]) == 4  # alone, they get all
    assert len(cores["short"]) == len(cores["long"]) == 2 and not set(cores["short"]) & set(cores["long"])


def test_the_most_urgent_stage_gets_the_core_that_is_left_over(wide):
    runner = Threads()
    run_with(wide, runner, 2, {0, 1, 2}, expected_seconds=lambda name: 9.0 if name == "long" else 1.0)
    cores = dict(runner.started)
    assert (len(cores["long"]), len(cores["short"])) == (2, 1)


def test_no_more_stages_run_at_once_than_there_are_workers(wide):
    runner = Threads()
    run_with(wide, runner, 1, {0, 1})
    assert runner.most == 1 and {len(cores) for _, cores in runner.started} == {2}


def stages_without_needs(folder: Path, n: int, *, dep: str = "seed.txt") -> Path:
    stages = {
        f"s{i}": {"cmd": f"sleep 0.{i} && cp {dep} data/s{i}", "deps": [dep], "outs": [f"data/s{i}"]} for i in range(n)
    }
    return toy_project(folder, yaml.safe_dump({"stages": stages}))


TWO_THEN_THREE = """\
stages:
  long: {cmd: sleep 1.5 && echo > data/long, deps: [seed.txt], outs: [data/long]}
  short: {cmd: echo > data/short, deps: [seed.txt], outs: [data/short]}
  one: {cmd: cp data/short data/one && sleep 0.3, deps: [data/short], outs: [data/one]}
  two: {cmd: cp data/short data/two && sleep 0.3, deps: [data/short], outs: [data/two]}
  three: {cmd: cp data/short data/three, deps: [data/short], outs: [data/three]}
"""


def test_no_stage_starts_before_there_is_a_core_for_it(tmp_path):
    runner = Threads()
    run_with(toy_project(tmp_path / "toy", TWO_THEN_THREE), runner, 4, {0, 1, 2, 3})
    cores = dict(runner.started)
    assert (
        len(cores["long"]) == len(cores["short"]) == 2
    )  # so that one and two have the other cores, and three has none
    assert len(cores) == 5 and all(cores.values())


def test_stages_that_run_models_have_a_gpu_each_and_others_wait_for_none(tmp_path):
    toy = stages_without_needs(tmp_path / "toy", 4, dep="data/code/train.json")
    (toy / "data/code").mkdir(parents=True)
    (toy / "data/code/train.json").write_text('{"stages/lm/workers.py": ""}', encoding="utf-8")
    runner = Threads()
    with open_project(toy) as project:
        run = Run(project, runner.start, Workers(4, frozenset(range(4)), ("3", "5")), tell=runner.tell)
        run.bring_up_to_date(project.select([]))
    assert runner.most == 2 and {seen for seen in runner.gpus.values()} == {"3", "5"} and len(runner.gpus) == 4


def test_the_longest_way_to_the_end_goes_first(wide):
    runner = Threads()
    run_with(wide, runner, 1, {0}, expected_seconds=lambda name: {"long": 9.0}.get(name, 1.0))
    assert [stage for stage, _ in runner.started] == ["first", "long", "short", "after", "last"]


def test_a_failure_stops_what_needs_it_and_nothing_beside_it(wide):
    runner = Threads(failing="long")
    with pytest.raises(PipelineError) as caught:
        run_with(wide, runner, 2, {0, 1})
    assert str(caught.value) == "stage 'long' failed: asked to\nnot run because of that: after, last"
    assert (wide / "data/short").exists() and not (wide / "data/last").exists()


def test_the_lock_is_that_of_one_stage_after_the_other(wide, tmp_path):
    serial = toy_project(tmp_path / "serial", WIDE)
    run(serial)
    run_with(wide, Threads(), 2, {0, 1})
    assert (wide / "dvc.lock").read_bytes() == (serial / "dvc.lock").read_bytes()


def test_a_dry_look_says_why_a_stage_would_run(wide):
    with open_project(wide) as project:
        assert project.changes("first") == ["changed deps: seed.txt", "changed outs: data/first"]
    run(wide)
    (wide / "seed.txt").write_text("8\n", encoding="utf-8")
    with open_project(wide) as project:
        assert project.changes("first") == ["changed deps: seed.txt"]
        assert [name for name in project.select([]) if project.has_changed(name)] == ["first"]
