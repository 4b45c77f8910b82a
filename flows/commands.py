"""Run one stage's command: its lines passed on as they come, its whole process group ended with it, or with us.

A stage starts workers of its own, so ending only its first process would leave the others computing. Each command
therefore gets a process group, which is killed when we are interrupted or killed ourselves, when its time is over, and
swept when the command ends. One that outlived us would go on writing while the next run starts the stage anew.
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
from contextlib import ExitStack, contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any, NamedTuple

SECONDS_TO_STOP = 5.0
SECONDS_BETWEEN_LOOKS = 2.0
TAIL_LINES = 20
# The command is `$@`. The input is a pipe that only we hold open: it ends when we do, however that happens.
GUARDED = """exec 3<&0 </dev/null
(read -r _ <&3; kill -KILL 0) &
"$@" 3<&-
status=$?
kill $!
exit $status"""

_running: set[subprocess.Popen[Any]] = set()
_gate = threading.Lock()  # to start a command, or to say that none may start
_is_open = True


class Lease(NamedTuple):
    """A lock file, as whoever starts a command holds it: `held_by` is what stands in it."""

    path: Path
    held_by: str

    @classmethod
    def of(cls, root: Path) -> "Lease":
        """DVC's lock on the project at `root`, as it is held now."""
        path = root.resolve() / ".dvc" / "tmp" / "lock"
        return cls(path, _holder(path))

    def is_held(self) -> bool:
        """Whether it is still held as it was; wherever the holder is, if this machine sees the file.

        A file system that cannot say counts as held: a command must not end for that.
        """
        try:
            with self.path.open(encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _holder(self.path) == self.held_by
        except OSError:
            return True
        return False


def _holder(path: Path) -> str:
    """What tells one holder of the lock from the next: its process, and when it took the lock."""
    return f"{path.read_text(encoding='utf-8').strip()} {path.stat().st_mtime_ns}"


class Limits(NamedTuple):
    """What a command may use: these cores (none named: all of ours), so many seconds for each of its lines.

    And the time while `lease` is held: a command on another machine must not outlive the run that started it.
    """

    cores: Collection[int] = ()
    seconds: float = math.inf
    lease: Lease | None = None


NO_LIMITS = Limits()


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

    def on_gpu(self, gpu: str) -> "Command":
        """The command, which sees this one GPU and no other."""
        return self._replace(environment={**self.environment, "CUDA_VISIBLE_DEVICES": gpu})


def run_command(
    command: Command, on_line: Callable[[str], None], environment: Mapping[str, str], limits: Limits = NO_LIMITS
) -> None:
    """Run `command`, calling `on_line` with each line of its output and errors, in order and without delay.

    Raises StageFailed, with the last lines, at the first shell command that does not exit with 0 or takes too long.
    """
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    everything = {**os.environ, "PYTHONUNBUFFERED": "1", **environment, **command.environment}
    for argv in command.argvs:
        how = _run(argv, command.folder, everything, lambda line: (tail.append(line), on_line(line)), limits)
        if how:
            raise StageFailed(command.stage, f"`{argv[-1]}` {how}", tuple(tail))


def allow_commands() -> None:
    """Let commands start again after `stop_commands`."""
    global _is_open
    with _gate:
        _is_open = True


def stop_commands() -> None:
    """End all commands, in whatever thread, and let none start; their `run_command` raises StageFailed."""
    global _is_open
    with _gate:
        _is_open = False
        stopped = list(_running)
    for process in stopped:
        _signal(process, signal.SIGTERM)
    for process in stopped:
        _stop(process)


@contextmanager
def guarded(argv: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:  # noqa: ANN401  # Popen's
    """A process in a group of its own, ended with the block, and also when we are killed."""
    lifeline, ours = os.pipe()
    try:
        process = subprocess.Popen(["sh", "-c", GUARDED, "sh", *argv], stdin=lifeline, process_group=0, **options)
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(lifeline)
    try:
        yield process
    finally:
        if process.poll() is None:
            _stop(process)
        os.close(ours)


def _run(
    argv: tuple[str, ...],
    folder: str,
    environment: Mapping[str, str],
    on_line: Callable[[str], object],
    limits: Limits,
) -> str:
    """How one shell command ended, nothing if well."""
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    output |= {"encoding": "utf-8", "errors": "replace"}
    with ExitStack() as stack:
        with _gate, _on_cores(limits.cores):
            if not _is_open:
                return "was not started: the run is being stopped"
            process = stack.enter_context(guarded(argv, cwd=folder, env=dict(environment), **output))
            _running.add(process)
        stack.callback(_running.discard, process)
        sweeper = threading.Thread(target=_sweep, args=(process, limits, ended := []), daemon=True)
        sweeper.start()
        _pass_on(process.stdout, on_line)
        sweeper.join()
        status = process.wait()
    return ended[0] if ended else _describe(status)


@contextmanager
def _on_cores(cores: Collection[int]) -> Iterator[None]:
    """Keep this thread, and what it starts, on `cores`; where none are named, where it is."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or allowed)
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _describe(status: int) -> str:
    number = -status if status < 0 else status - 128
    if status < 0 or number in set(signal.Signals):  # the shell reports a signal as 128 + its number
        return f"was killed by signal {number}"
    return f"exited with {status}" if status else ""


def _pass_on(lines: IO[str] | None, on_line: Callable[[str], object]) -> None:
    assert lines is not None  # Popen was asked for a pipe
    with lines:
        for line in lines:
            on_line(line.rstrip("\n"))


def _sweep(process: subprocess.Popen[Any], limits: Limits, ended: list[str]) -> None:
    """End a command that goes past its limits, and say why; then kill what any command left running.

    That would hold our end of the pipe open for ever.
    """
    late = time.monotonic() + limits.seconds
    try:
        while process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(min(SECONDS_BETWEEN_LOOKS, max(0.0, late - time.monotonic())))
                break
            if time.monotonic() >= late:
                ended.append(f"took longer than {limits.seconds:.0f} s and was ended")
            elif limits.lease and not limits.lease.is_held():
                ended.append("was ended, because the run that started it is over")
            if ended:
                _stop(process)
    finally:
        _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[Any], number: int) -> None:
    """To the whole group, if there is one."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


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
