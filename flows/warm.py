"""Pay for the heavy imports once: a server that has them runs each stage in a fork of itself.

    python -m flows.warm -- dvc repro        run a command whose stages start warm

The server imports the heavy libraries, but never `stages`, so edited code is always read afresh. It starts no thread
and does not touch the accelerator: a fork would inherit both broken. Per stage there are two processes: the stage, in
a process group of its own, and a guard that forwards the client's signals, kills the group when the client is gone,
and sends back the exit status; it notes how long a stage of `dvc repro` took, where the flow notes that of its own. The
client is stages/__main__.py. Until the server is ready, or if it cannot start, stages start cold.
"""

import argparse
import importlib
import io
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from flows.timings import write_timing

ROOT = Path(__file__).resolve().parent.parent
SOCKET_VARIABLE = "WARM_START_SOCKET"
# transformers and trl import lazily: naming an attribute is what loads its module.
HEAVY_MODULES = (
    "torch",
    "transformers:LlamaForCausalLM",
    "transformers:PreTrainedTokenizerFast",
    "trl:SFTTrainer",
    "peft",
    "datasets",
    "pyarrow.parquet",
    "scipy.stats",
    "pandas",
    "great_expectations.expectations",
    "great_expectations.checkpoint.actions",
)


@contextmanager
def warm_start(modules: Sequence[str] = HEAVY_MODULES, *, notes_timings: bool = False) -> Iterator[dict[str, str]]:
    """The environment that makes stages start warm, while the block lasts. Does not wait for the server."""
    with tempfile.TemporaryDirectory(prefix="warm-") as folder:  # mode 0700: nobody else can ask us to run things
        path = str(Path(folder) / "socket")
        options = ["--notes-timings"] if notes_timings else []
        command = [sys.executable, "-m", "flows.warm", *options, "--serve", path, *modules]
        # Its stdin is a lifeline: it reads end-of-file, and stops, even if we are killed.
        server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, process_group=0)
        try:
            yield {SOCKET_VARIABLE: path}
        finally:
            server.terminate()
            server.communicate()


def run_warm(command: Sequence[str]) -> int:
    """Exit status of `command`, run with a warm start server; interrupts are left to the command itself."""
    with warm_start(notes_timings=True) as environment:
        process = subprocess.Popen(command, env={**os.environ, **environment})

        def forward(number: int, frame: FrameType | None) -> None:
            process.send_signal(number)

        signal.signal(signal.SIGTERM, forward)
        signal.signal(signal.SIGINT, lambda number, frame: None)  # the terminal sends it to the command as well
        status = process.wait()
    return status if status >= 0 else 128 - status


def serve(path: str, modules: Sequence[str], *, notes_timings: bool) -> int:
    """Answer at `path` until stdin ends. Returns 0 then; in a fork, returns the exit status of its stage."""
    _import(modules)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # guards need no reaping
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            return 0
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            return _run(_guard(connection, notes_timings))
        connection.close()


def _import(modules: Sequence[str]) -> None:
    # Asking whether CUDA is there would initialise it, unless NVML is asked; pyarrow's allocator would start a thread.
    os.environ |= {"PYTORCH_NVML_BASED_CUDA_CHECK": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
    for name in modules:
        module, _, attribute = name.partition(":")
        imported = importlib.import_module(module)
        if attribute:
            getattr(imported, attribute)
        if module == "torch":
            imported.set_num_threads(1)


def _guard(connection: socket.socket, notes_timings: bool) -> dict[str, Any]:
    """Fork once more; the new process gets the request back, this one stays on guard and never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, descriptors = _receive(connection)
    (client,) = struct.unpack_from("=i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    with suppress(OSError):
        os.sched_setaffinity(0, os.sched_getaffinity(client))
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        connection.close()
        os.setpgid(0, 0)
        for target, descriptor in enumerate(descriptors):
            os.dup2(descriptor, target)
            os.close(descriptor)
        return request
    with suppress(OSError):
        os.setpgid(pid, pid)  # whichever of the two comes first
    for descriptor in descriptors:
        os.close(descriptor)
    threading.Thread(target=_forward_signals, args=(connection, pid), daemon=True).start()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    _signal_group(pid, signal.SIGKILL)
    stage = request["environment"].get("DVC_STAGE")
    with suppress(OSError):
        if notes_timings and stage and status == 0:
            seconds, n_cores = time.monotonic() - started, len(os.sched_getaffinity(0))
            write_timing(Path(request["folder"]), stage, seconds, n_cores)
    with suppress(OSError):
        connection.sendall(struct.pack("!i", status))
    os._exit(0)


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    header, descriptors, _, _ = socket.recv_fds(connection, 4, 3)
    length: int = struct.unpack("!I", header)[0]
    return json.loads(connection.recv(length, socket.MSG_WAITALL)), list(descriptors)


def _forward_signals(connection: socket.socket, pid: int) -> None:
    with suppress(OSError):
        while number := connection.recv(1):
            _signal_group(pid, number[0])
    _signal_group(pid, signal.SIGKILL)


def _signal_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _run(request: dict[str, Any]) -> int:
    """Become what `python -m stages <name> <argv>` in the client's place would be, and run it."""
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")
    sys.stdout = open(1, "w", encoding="utf-8", buffering=1, closefd=False)
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False, errors="backslashreplace")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what the client ignores, it does not forward
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[0] = request["folder"]
    sys.argv = ["stages", request["name"], *request["argv"]]
    importlib.invalidate_caches()
    entry = importlib.import_module("stages.__main__")
    sys.modules["__main__"] = entry  # worker processes import the main module again: it must be the stages' one
    return entry.run_in_process(request["name"], request["argv"])


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status of the command after `--`."""
    parser = argparse.ArgumentParser(prog="python -m flows.warm", description="Run a command with warm stages.")
    parser.add_argument("--serve", metavar="PATH", help=argparse.SUPPRESS)
    parser.add_argument("--notes-timings", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("command", nargs=argparse.REMAINDER, help="-- COMMAND [ARGUMENT ...]")
    arguments = parser.parse_args(argv)
    if arguments.serve:
        return serve(arguments.serve, arguments.command, notes_timings=arguments.notes_timings)
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        parser.error("no command came. Usage: python -m flows.warm -- dvc repro")
    return run_warm(command)


if __name__ == "__main__":
    sys.exit(main())
