"""The runner's speed, as ratios from one run on one machine: `make bench` writes reports/benchmarks-flow.{json,md}.

    python -m tests.bench_flows

The smoke profile from nothing three ways, a graph of stages that do nothing, and ours with nothing to do. No test
asserts on time.
"""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from dvc.repo import Repo

from stages.records.files import write_json
from tests.flows.toys import toy_project

ROOT = Path(__file__).resolve().parent.parent
N_STAGES, N_ROUNDS = 200, 3
FLOW = [sys.executable, "-m", "flows.benchmark"]
REPRO = [sys.executable, "-m", "flows.warm", "--", "dvc", "repro", "-q"]


def main() -> None:
    """Measure, write, print."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    one_core = whole_smoke(REPRO, set(cores[:1]))
    both_cores = whole_smoke(REPRO, set(cores))
    flow = whole_smoke([*FLOW, "--workers", "2"], set(cores))
    ours, ours_idle = many_stages([*FLOW, "--workers", "1"])
    theirs, theirs_idle = many_stages(["dvc", "repro", "-q"])
    figures = [
        ("flow, two workers, against `dvc repro` on one core (smoke profile)", one_core / flow, "times", ">= 1.7"),
        (
            "flow with two workers, against `dvc repro` on both cores (smoke profile)",
            both_cores / flow,
            "times",
            ">= 1",
        ),
        (
            f"flow: a stage that does nothing, of {N_STAGES}, Prefect's server included",
            (ours - ours_idle) / N_STAGES,
            "s",
            "<= 0.15 over `dvc repro`",
        ),
        (f"`dvc repro`: a stage that does nothing, of {N_STAGES}", (theirs - theirs_idle) / N_STAGES, "s", ""),
        *nothing_to_do(),
    ]
    machine = {"cores": len(cores), "processor": platform.machine()}
    names = ("name", "value", "unit", "aim")
    content = {"machine": machine, "figures": [dict(zip(names, figure, strict=True)) for figure in figures]}
    write_json(content, ROOT / "reports/benchmarks-flow.json")
    lines = ["# Benchmarks of the runner", "", "One run on one machine: " + json.dumps(machine), ""]
    lines += ["| figure | measured | aim |", "|---|---|---|"]
    lines += [f"| {name} | {value:.2f} {unit} | {aim} |" for name, value, unit, aim in figures]
    (ROOT / "reports/benchmarks-flow.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def seconds(command: list[str], folder: Path, cores: set[int]) -> float:
    """How long the command takes in `folder`, on these cores."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "PREFECT_HOME": str(folder / ".prefect")}
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    started = time.perf_counter()
    try:
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    finally:
        os.sched_setaffinity(0, before)
    return time.perf_counter() - started


def whole_smoke(command: list[str], cores: set[int]) -> float:
    """Seconds of the smoke profile from nothing."""
    folder = ROOT / "build" / "bench" / "smoke"
    shutil.rmtree(folder, ignore_errors=True)
    prepare = [sys.executable, "-m", "flows.profiles", "smoke", "--folder", str(folder)]
    subprocess.run(prepare, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return seconds(command, folder, cores)


def nothing_to_do() -> list[tuple[str, float, str, str]]:
    """Seconds of the flow and of `dvc repro` on our graph, up to date: its stages and parameters, made-up data."""
    with TemporaryDirectory() as name:
        folder = Path(name) / "project"
        for part in ("flows", "stages"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        for part in ("dvc.yaml", "params.yaml", ".dvcignore"):
            shutil.copy(ROOT / part, folder)
        Repo.init(str(folder), no_scm=True).close()
        n_stages = make_up(folder)
        cores = os.sched_getaffinity(0)
        seconds(["dvc", "commit", "-f", "-q"], folder, cores)
        ours, theirs = (
            statistics.median(seconds(command, folder, cores) for _ in range(N_ROUNDS))
            for command in (FLOW, ["dvc", "repro", "-q"])
        )
        kib = (folder / "dvc.lock").stat().st_size / 1024
    return [
        (f"flow with nothing to do, {n_stages} stages, Prefect's server included if it starts one", ours, "s", "<= 5"),
        (f"`dvc repro` with nothing to do, {n_stages} stages", theirs, "s", "<= 5"),
        (f"`dvc.lock` of {n_stages} stages", kib, "KiB", "<= 684"),
    ]


def make_up(folder: Path) -> int:
    """Write something for every output of every stage; returns how many stages there are."""
    fingerprint = [sys.executable, "-m", "stages", "fingerprint", "--params", "params.yaml", "--stages", "stages"]
    made = ["--checked-params", "data/params.json", "--out", "data/code"]
    subprocess.run([*fingerprint, *made], cwd=folder, check=True)
    with Repo(str(folder)) as repo:
        stages = list(repo.index.stages)
        outs = {Path(out.fs_path): stage.name for stage in stages for out in stage.outs}
        read = [Path(dep.fs_path) for stage in stages for dep in stage.deps]
    for path, stage in outs.items():
        inside = [dep for dep in read if path in dep.parents] or ([] if path.suffix else [path / "file"])
        for file in inside or [path]:
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(f"{stage} {file.name}", encoding="utf-8")
    return len(stages)


def many_stages(command: list[str]) -> tuple[float, float]:
    """Seconds for N_STAGES stages that do nothing, each needing the one before, and with nothing left to do."""
    stages = {}
    for number in range(N_STAGES):
        needs = f"data/s{number - 1}" if number else "seed.txt"
        stages[f"s{number}"] = {"cmd": f"cp {needs} data/s{number}", "deps": [needs], "outs": [f"data/s{number}"]}
    with TemporaryDirectory() as name:
        folder = toy_project(Path(name) / "many", yaml.safe_dump({"stages": stages}))
        cores = os.sched_getaffinity(0)
        whole = seconds(command, folder, cores)
        return whole, statistics.median(seconds(command, folder, cores) for _ in range(N_ROUNDS))


if __name__ == "__main__":
    main()
