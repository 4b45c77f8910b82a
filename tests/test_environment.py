"""What importing a package of ours sets in the process environment."""

import os
import subprocess
import sys

import pytest

import flows
from stages.__main__ import SAME_ARITHMETIC, main

IN_ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

COMMAND = "import os, {package}; print(os.environ['HF_HUB_OFFLINE'], os.environ['OMP_NUM_THREADS'])"


def environment_after_import(package, root, **already_set):
    unset = {name: value for name, value in os.environ.items() if name not in ("HF_HUB_OFFLINE", "OMP_NUM_THREADS")}
    command = [sys.executable, "-c", COMMAND.format(package=package)]
    done = subprocess.run(command, cwd=root, env=unset | already_set, capture_output=True, encoding="utf-8", check=True)
    return done.stdout.split()


@pytest.mark.parametrize("package", ["stages", "flows"])
def test_the_hub_is_not_asked_unless_the_environment_says_so(package, root):
    assert environment_after_import(package, root) == ["1", "1"]
    assert environment_after_import(package, root, HF_HUB_OFFLINE="0", OMP_NUM_THREADS="4") == ["0", "1"]


def test_a_stage_computes_as_on_a_processor_without_wide_instructions(root, monkeypatch):
    assert flows.SAME_ARITHMETIC == SAME_ARITHMETIC and os.environ["ATEN_CPU_CAPABILITY"] == "avx2"
    seen = {}
    monkeypatch.setattr("stages.__main__.run_in_process", lambda name, argv: seen.update(os.environ) or 0)
    monkeypatch.setattr("sys.argv", ["stages", "report"])
    monkeypatch.delenv("ATEN_CPU_CAPABILITY")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "ALL")
    assert main() == 0
    assert (seen["ATEN_CPU_CAPABILITY"], seen["ONEDNN_MAX_CPU_ISA"]) == ("avx2", "ALL")


@pytest.mark.parametrize("program", ["stages", "flows.profiles"])
@pytest.mark.parametrize("switch", ["-m", "-Em"])
def test_programs_read_and_write_utf_8_in_any_locale(root, program, switch):
    command = [sys.executable, switch, program, "grüße"]
    done = subprocess.run(command, cwd=root, env=os.environ | IN_ASCII, capture_output=True, encoding="utf-8")
    assert done.returncode and "'grüße'" in done.stderr
