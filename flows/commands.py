"""Run one stage's command: its lines passed on as they come, its whole process group ended with it.

A stage starts workers of its own, so ending only its first process would leave the others computing. Each command
therefore gets a process group, which is killed when we are interrupted and swept when the command ends.
"""

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import IO, NamedTuple

SECONDS_TO_STOP = 5.0
TAIL_LINES = 20


class PipelineError(RuntimeError):
    """The pipeline cannot go on; the message says why and what to do."""


class StageFailed(PipelineError):
    """One stage did not end well: its name, the reason, and the last lines it printed."""

    def __init__(self, stage: str, reason: str, tail: tuple[str, ...] = ()) -> None:
        super().__init__(stage, reason, tail)
        self.stage, self.reason, self.tail = stage, reason, tail

    def __str__(self) -> str:
        return f"stage '{self.stage}' failed: {self.reason}"


class StagesFailed(PipelineError):
    """Some stages failed; everything that did not need them was brought up to date."""

    def __init__(self, failures: tuple[StageFailed, ...], skipped: tuple[str, ...]) -> None:
        super().__init__(failures, skipped)
        self.failures, self.skipped = failures, skipped

    def __str__(self) -> str:
        text = "\n".join(str(failure) for failure in self.failures)
        return text + (f"\nnot run because of that: {', '.join(self.skipped)}" if self.skipped else "")


def missing_code(stage: str, path: Path) -> str:
    """The message for a file of code that a stage needs and that is not there, for example a defense's."""
    known = sorted(file.stem for file in path.parent.glob("*.py") if file.stem != "__init__")
    close = get_close_matches(path.stem, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    where = path.parent.name
    return (
        f"no {where}/{path.name} for stage '{stage}'{hint} Known in {where}/: {', '.join(known)}. "
        "Mend the name in params.yaml, or write the file."
    )


class Command(NamedTuple):
    """What a stage runs: shell commands one after the other, in `folder`, with `environment` added to ours."""

    stage: str
    argvs: tuple[tuple[str, ...], ...]
    folder: str
    environment: Mapping[str, str]


def run_command(command: Command, on_line: Callable[[str], None], environment: Mapping[str, str]) -> None:
    """Run `command`, calling `on_line` with each line of its output and errors, in order and without delay.

    Raises StageFailed, with the last lines, at the first shell command that does not exit with 0.
    """
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    everything = {**os.environ, "PYTHONUNBUFFERED": "1", **environment, **command.environment}
    for argv in command.argvs:
        status = _run(argv, command.folder, everything, lambda line: (tail.append(line), on_line(line)))
        if status != 0:
            how = f"exited with {status}" if status > 0 else f"was killed by signal {-status}"
            raise StageFailed(command.stage, f"`{argv[-1]}` {how}", tuple(tail))


def _run(argv: tuple[str, ...], folder: str, environment: Mapping[str, str], on_line: Callable[[str], object]) -> int:
    """Exit status of one shell command; negative for a signal."""
    process = subprocess.Popen(
        argv,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        process_group=0,
    )
    sweeper = threading.Thread(target=_sweep, args=(process,), daemon=True)
    sweeper.start()
    try:
        _pass_on(process.stdout, on_line)
        sweeper.join()
        return process.wait()
    finally:
        if process.poll() is None:
            _stop(process)


def _pass_on(lines: IO[str] | None, on_line: Callable[[str], object]) -> None:
    assert lines is not None  # Popen was asked for a pipe
    with lines:
        for line in lines:
            on_line(line.rstrip("\n"))


def _sweep(process: subprocess.Popen[str]) -> None:
    """Kill what a command left running: it would hold our end of the pipe open for ever."""
    process.wait()
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _stop(process: subprocess.Popen[str]) -> None:
    """Ask the group to end, then make it; the sweeper thread takes what outlives its leader."""
    for how, seconds in ((signal.SIGTERM, SECONDS_TO_STOP), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return
