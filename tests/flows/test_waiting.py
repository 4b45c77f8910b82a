import subprocess

import pytest

from tests.flows.waiting import await_end, await_line


def shell(script: str) -> subprocess.Popen[str]:
    return subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True)


def test_lines_are_heard_one_by_one_and_the_rest_at_the_end():
    process = shell("echo one; echo two; echo three; exit 3")
    assert await_line(process) == "one\n" and await_line(process, "tw", "x") == "two\n"
    assert await_end(process) == "three\n" and process.returncode == 3


def test_a_process_that_ends_early_fails_with_what_it_said():
    with pytest.raises(AssertionError, match="before it said 'three' or 'four': one\ntwo\n"):
        await_line(shell("echo one; echo two"), "three", "four")


@pytest.mark.parametrize("wait", [await_end, lambda process, seconds: await_line(process, "two", seconds=seconds)])
def test_a_process_that_hangs_is_killed_and_fails_with_what_it_said(wait):
    process = shell("echo one; exec sleep 600")
    with pytest.raises(AssertionError, match="after 2 s it had only said: one\n"):
        wait(process, seconds=2)
    assert process.wait(30) == -9
