"""Toy projects for the tests of flows/: a DVC repository with a matrix, made of echo and cat."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection
from concurrent.futures import Future
from pathlib import Path

from dvc.repo import Repo

from flows.commands import Command, Limits, run_command
from flows.pipeline import open_project
from flows.scheduler import Outcome, Run, Workers

ROOT = Path(__file__).resolve().parents[2]

DVC_YAML = """\
stages:
  make:
    cmd: echo made >> log && echo making && cat seed.txt > data/made
    deps: [seed.txt]
    outs: [data/made]
  defend:
    matrix: {name: "${names}"}
    cmd: echo ${item.name} >> log && test ${item.name} != broken && cat data/made params.yaml > data/d_${item.name}
    deps: [data/made]
    params: [rate, nested]
    outs: ["data/d_${item.name}"]
  score:
    matrix: {name: "${names}"}
    cmd: echo score ${item.name} >> log && cat data/d_${item.name} > data/s_${item.name}
    deps: ["data/d_${item.name}"]
    outs: [{"data/s_${item.name}": {cache: false}}]
"""


def toy_project(folder: Path, dvc_yaml: str = DVC_YAML) -> Path:
    """A DVC repository without git at `folder`, nothing run yet."""
    (folder / "data").mkdir(parents=True)
    Repo.init(str(folder), no_scm=True).close()
    (folder / "dvc.yaml").write_text(dvc_yaml, encoding="utf-8")
    (folder / "seed.txt").write_text("7\n", encoding="utf-8")
    set_params(folder, names="a, b", rate="1.0e-05")
    return folder


def set_params(folder: Path, *, names: str, rate: str = "1.0e-05") -> None:
    """Write params.yaml, with values whose way of being written YAML could change."""
    nested = '{list: [1, 2.50], word: "on", date: "2024-01-01", long: "' + "many words " * 20 + '"}'
    (folder / "params.yaml").write_text(f"names: [{names}]\nrate: {rate}\nnested: {nested}\n", encoding="utf-8")


def run_module(folder: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """`python -m ...` in `folder`, with this project's flows and these variables, all output in a pipe."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    environment |= {"PYTHONPATH": str(ROOT), "PREFECT_HOME": str(folder / ".prefect"), **variables}
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", *arguments]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does for what a script starts in the background
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            process_group=0,  # so that a test can interrupt all of it, as a terminal does
        )
    finally:
        signal.signal(signal.SIGINT, before)


def execute(command: Command, cores: Collection[int] = ()) -> None:
    """Run the command here and now."""
    run_command(command, lambda line: None, {}, Limits(cores))


def run(folder: Path, *targets: str, execute: Callable[[Command], None] = execute, **options) -> dict[str, Outcome]:
    """Bring `targets` up to date, one stage at a time."""

    def start(command: Command, cores: Collection[int]) -> "Future[None]":
        ended: Future[None] = Future()
        try:
            ended.set_result(execute(command))
        except RuntimeError as failure:
            ended.set_exception(failure)
        return ended

    with open_project(folder) as project:
        plan = project.select(targets)
        return Run(project, start, Workers(1, frozenset({0})), **options).bring_up_to_date(plan)


def prune(folder: Path) -> list[Path]:
    """See Project.prune."""
    with open_project(folder) as project:
        return project.prune()
