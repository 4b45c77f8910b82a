"""End a flow run with the interface that started it, also when that is killed.

Prefect's worker starts a run in a session of its own and hands it nothing but an environment. So the environment names
a pipe that only the interface holds open: it ends when the interface does. What the run has started ends with the run.
"""

import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

VARIABLE = "BENCHMARK_LIFELINE"


@contextmanager
def lifeline() -> Iterator[dict[str, str]]:
    """The environment of those who are to end with the block, and with this process."""
    with tempfile.TemporaryDirectory(prefix="lifeline-") as folder:
        path = Path(folder) / "pipe"
        os.mkfifo(path)
        ours = os.open(path, os.O_RDWR)  # to write alone would wait for a reader
        try:
            yield {VARIABLE: str(path)}
        finally:
            os.close(ours)


def end_with_starter() -> None:
    """From now on, if the environment names a lifeline, kill this process and its group once that ends."""
    if path := os.environ.get(VARIABLE):
        threading.Thread(target=_watch, args=(path,), daemon=True).start()


def _watch(path: str) -> None:
    with suppress(FileNotFoundError):  # the folder goes with the interface
        pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # would else wait for an interface that was killed before
        os.set_blocking(pipe, True)
        os.read(pipe, 1)
    os.killpg(0, signal.SIGKILL)
