import os
import subprocess
import sys

import pytest

from flows.lifeline import VARIABLE, lifeline
from tests.flows.toys import ROOT
from tests.flows.waiting import SECONDS, await_end, await_line

STARTER = f"""
from flows.lifeline import lifeline
import time
with lifeline() as environment:
    print(environment["{VARIABLE}"], flush=True)
    time.sleep(600)
"""
RUN = """
from flows.lifeline import end_with_starter
import subprocess, time
end_with_starter()
child = subprocess.Popen(["sleep", "600"])
print("began", flush=True)
time.sleep(600)
"""


def python(script: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=pipe, text=True, process_group=0)


@pytest.mark.parametrize("is_late", [False, True], ids=["while_it_runs", "before_it_begins"])
def test_a_run_ends_with_what_it_started_when_its_starter_is_killed(is_late):
    starter = python(STARTER)
    path = await_line(starter).strip()
    if is_late:
        starter.kill()
        starter.wait(SECONDS)
    run = python(RUN, **{VARIABLE: path})
    if not is_late:
        await_line(run, "began")
        starter.kill()
    await_end(run)  # its child held the output, too
    assert run.returncode == -9
    await_end(starter)


def test_a_run_ends_when_its_starter_has_ended_well():
    with lifeline() as environment:
        run = python(RUN, **environment)
        await_line(run, "began")
        assert run.poll() is None
    await_end(run)
    assert run.returncode == -9
    assert python(RUN, **environment).wait(SECONDS) == -9


def test_a_run_of_its_own_has_no_lifeline():
    run = python("from flows.lifeline import end_with_starter; end_with_starter(); print('here')", **{VARIABLE: ""})
    assert await_end(run) == "here\n" and run.returncode == 0
