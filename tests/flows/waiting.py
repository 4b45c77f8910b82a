"""Waiting for what a process prints, never without a bound: a test that hears too little fails with what it heard."""

import subprocess
import threading
from collections.abc import Callable

SECONDS = 300.0  # far above what any of this takes, also on a machine that is busy


def await_line(process: subprocess.Popen[str], *words: str, seconds: float = SECONDS) -> str:
    """The next line with one of `words` in it; the next line of all where none are given."""
    said, is_over = _listen(process, lambda line: not words or any(word in line for word in words), seconds)
    assert not is_over, f"it ended, or closed its output, before it said {_any(words)}: {''.join(said)}"
    return said[-1]


def await_end(process: subprocess.Popen[str], seconds: float = SECONDS) -> str:
    """All that it still prints, once it has ended and nobody holds its output."""
    said, _ = _listen(process, lambda line: False, seconds)
    process.wait(seconds)
    return "".join(said)


def _listen(process: subprocess.Popen[str], is_enough: Callable[[str], bool], seconds: float) -> tuple[list[str], bool]:
    """What it prints, up to a line that is enough; and whether its output ended without one."""
    said: list[str] = []
    output, is_over = process.stdout, threading.Event()
    assert output is not None

    def listen() -> None:
        while line := output.readline():
            said.append(line)
            if is_enough(line):
                return
        is_over.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    listener.join(seconds)
    if listener.is_alive():
        process.kill()  # what it started ends with it
        raise AssertionError(f"after {seconds:.0f} s it had only said: {''.join(said)}")
    return said, is_over.is_set()


def _any(words: tuple[str, ...]) -> str:
    return " or ".join(map(repr, words)) or "a line"
