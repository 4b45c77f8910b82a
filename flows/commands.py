"""Run one stage's command: its lines passed on as they come, its whole process group ended with it, or with us.

A stage starts workers of its own, so ending only its first process would leave the others computing. Each command
therefore gets a process group, which is killed when we are killed, when its run or its time is over, and swept when the
command ends. One that outlived its run would go on writing while the next run starts the stage anew.
"""

import fcntl
import math
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import copy_context
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

SECONDS_TO_STOP = 5.0
SECONDS_BETWEEN_LOOKS = 0.5
TAIL_LINES = 20
NO_PROXY_OF_STAGES = "BENCHMARK_NO_PROXY"  # the user's, where this process goes through no proxy (flows/servers.py)
# The command is `$@`. The input is a pipe that only we hold open: it ends when we do, however that happens.
GUARDED = """exec 3<&0 </dev/null
(read -r _ <&3; kill -KILL 0) &
"$@" 3<&-
status=$?
kill $!
exit $status"""


class PipelineError(RuntimeError):
    """The pipeline cannot go on; the message says why and what to do."""


class StageFailed(PipelineError):
    """One stage did not end well, for this reason."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(f"stage '{stage}' failed: {reason}")
        self.reason = reason


def unknown(what: str, name: str, known: Collection[str], where: str = "") -> PipelineError:
    """The error for a name that is none of `known`, `where` they are looked up."""
    close = get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return PipelineError(f"no {what} '{name}'{hint} Known{where}: {', '.join(sorted(known)) or 'none'}.")


def last_lines(lines: Collection[str]) -> str:
    """The lines below a message that ends in `its last lines`."""
    return ":" + "".join(f"\n    {line}" for line in lines or ["(it printed nothing)"])


def heed_interrupts() -> None:
    """End with KeyboardInterrupt on SIGTERM, and on SIGINT also where a script started us in the background."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)


def git(root: Path, *words: str) -> str:
    """What git says in `root`. Raises PipelineError with its own reason and remedy."""
    environment = {name: os.environ[name] for name in os.environ.keys() - _names_of_another_clone()}
    environment["LC_ALL"] = "C"  # in English, as we quote it
    options = {"encoding": "utf-8", "errors": "surrogateescape", "env": environment}
    # Git refuses a clone that somebody else owns, as one mounted into a container. Who runs our code trusts it already.
    argv = ["git", "-c", "safe.directory=*", "-C", str(root), *words]
    done = subprocess.run(argv, capture_output=True, check=False, **options)
    if done.returncode:
        raise PipelineError(f"`git {words[0]}` failed in {root}: {done.stderr.strip()}")
    return done.stdout


@cache
def _names_of_another_clone() -> frozenset[str]:
    """The variables, as GIT_DIR, by which git would read another clone than that of the folder it is in."""
    done = subprocess.run(["git", "rev-parse", "--local-env-vars"], capture_output=True, check=False, encoding="utf-8")
    return frozenset(done.stdout.split())


class Command(NamedTuple):
    """What a stage runs: shell commands one after the other, in `folder`, with `environment` added to ours."""

    stage: str
    argvs: tuple[tuple[str, ...], ...]
    folder: str
    environment: Mapping[str, str]


class Limits(NamedTuple):
    """What a command may use: these cores (none named: all of ours), so many seconds a line, while `run` is held."""

    cores: Collection[int] = ()
    seconds: float = math.inf
    run: Path | None = None

    def is_over(self) -> bool:
        """Whether the run has ended or was killed, here or elsewhere; a file system that cannot say ends no command."""
        if self.run is None:
            return False
        try:
            with self.run.open(encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            return isinstance(error, FileNotFoundError)
        return True


@contextmanager
def holding(path: Path) -> Iterator[None]:
    """Hold the file for the run that the block is: the kernel lets go of it also when we are killed."""
    with path.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            path.unlink()


def run_command(command: Command, on_line: Callable[[str], object], extra: Mapping[str, str], limits: Limits) -> None:
    """Run `command` with the `extra` environment, calling `on_line` with each line that it prints, without delay.

    Raises StageFailed, with the last lines, at the first shell command that does not exit with 0 or meets a limit.
    """
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    everything = {**os.environ, "PYTHONUNBUFFERED": "1", **extra, **command.environment}
    if NO_PROXY_OF_STAGES in everything:
        everything |= dict.fromkeys(("no_proxy", "NO_PROXY"), everything[NO_PROXY_OF_STAGES])
    options = {"cwd": command.folder, "env": everything, "encoding": "utf-8", "errors": "replace"}
    options |= {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    allowed = os.sched_getaffinity(0)
    for argv in command.argvs:
        if limits.is_over():
            raise StageFailed(command.stage, "its run is over")
        os.sched_setaffinity(0, limits.cores or allowed)  # of this thread, and so of what it starts
        with guarded(argv, **options) as process:
            os.sched_setaffinity(0, allowed)
            how = _follow(process, limits, lambda line: (tail.append(line), on_line(line)))
        if how:
            raise StageFailed(command.stage, f"`{argv[-1]}` {how}; its last lines{last_lines(tail)}")


def _follow(process: subprocess.Popen[str], limits: Limits, on_line: Callable[[str], object]) -> str:
    """How the command ended, nothing if well."""

    def pass_on() -> None:
        for line in process.stdout or ():
            on_line(line.rstrip("\n"))

    listener = threading.Thread(target=copy_context().run, args=(pass_on,), daemon=True)
    listener.start()
    how, late = "", time.monotonic() + limits.seconds
    while process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(min(SECONDS_BETWEEN_LOOKS, max(0.0, late - time.monotonic())))
        if process.poll() is None and (time.monotonic() >= late or limits.is_over()):
            is_late = f"took longer than {limits.seconds:.0f} s and was ended"
            how = is_late if time.monotonic() >= late else "was ended, because its run is over"
            _stop(process)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # what the command left running would hold its end of the pipe for ever
    listener.join()
    if how or not (status := process.returncode):
        return how
    number = -status if status < 0 else status - 128  # the shell reports a signal as 128 + its number
    return f"was killed by signal {number}" if number in set(signal.Signals) else f"exited with {status}"


@contextmanager
def guarded(argv: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:  # noqa: ANN401  # Popen's
    """A process in a group of its own, ended with the block, and also when we are killed."""
    lifeline, ours = os.pipe()
    with os.fdopen(ours, "w"):
        with os.fdopen(lifeline) as stdin:
            process = subprocess.Popen(["sh", "-c", GUARDED, "sh", *argv], stdin=stdin, process_group=0, **options)
        try:
            yield process
        finally:
            if process.poll() is None:
                _stop(process)


def _stop(process: subprocess.Popen[Any]) -> None:
    """Ask the group to end, all of it, then make it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
        end = time.monotonic() + SECONDS_TO_STOP
        while time.monotonic() < end:
            process.poll()  # one that has ended and is not waited for would still be of the group
            os.killpg(process.pid, 0)  # raises once nobody is
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
