"""Run one stage: `python -m stages <stage> [arguments]`.

Every command in dvc.yaml is of this form. Importing torch, transformers and trl costs a process ten seconds, so if a
warm start server is up (flows/warm.py; the socket is named in WARM_START_SOCKET) the stage runs in a fork of it, with
our folder, environment, standard streams and signals. Otherwise, and with the same result, it runs here.

A mistake of the user's (ValueError or RuntimeError raised by our own code, any OSError) is one line on stderr;
everything else, including what a library raises, keeps its traceback.
"""

import errno
import importlib
import json
import os
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from types import FrameType

SOCKET_VARIABLE = "WARM_START_SOCKET"
STAGES = Path(__file__).resolve().parent
NOT_STAGES = (
    "__init__ __main__ access claim_roles contract distillation insertion outcomes params parsing scratchpad sections "
    "storage"
).split()
STATUS_INTERRUPTED = 130


def known_stages() -> list[str]:
    """The names of the stage scripts: the files of this folder."""
    return sorted(path.stem for path in STAGES.glob("*.py") if path.stem not in NOT_STAGES)


def run_stage(name: str, argv: Sequence[str]) -> int:
    """Exit status of the stage, run by the warm start server if one answers, else in this process."""
    connection = _connect()
    if connection is None:
        return run_in_process(name, argv)
    with connection:
        return _run_warm(connection, name, argv)


def run_in_process(name: str, argv: Sequence[str]) -> int:
    """Exit status of the stage's main(argv): 0, 1 after a user's mistake, 130 after an interrupt."""
    try:
        importlib.import_module(f"stages.{name}").main(list(argv))
    except KeyboardInterrupt:
        return STATUS_INTERRUPTED
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = ". Free some disk space and run `dvc repro` again: finished stages are kept" if full else ""
        print(f"error: {error}{advice}", file=sys.stderr)
        return 1
    except (ValueError, RuntimeError) as error:
        if not _raised_here(error):
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _raised_here(error: Exception) -> bool:
    """Whether the code that raised `error` is ours, which writes messages for users."""
    innermost = traceback.extract_tb(error.__traceback__)[-1]
    return STAGES in Path(innermost.filename).resolve().parents


def _connect() -> socket.socket | None:
    path = os.environ.get(SOCKET_VARIABLE)
    if not path:
        return None
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        return None
    return connection


def _run_warm(connection: socket.socket, name: str, argv: Sequence[str]) -> int:
    """Send the request, forward signals as single bytes, wait for the exit status."""

    def forward(number: int, frame: FrameType | None) -> None:
        with suppress(OSError):
            connection.send(bytes([number]))

    request = {"name": name, "argv": list(argv), "folder": str(Path.cwd()), "environment": dict(os.environ)}
    message = json.dumps(request).encode()
    socket.send_fds(connection, [struct.pack("!I", len(message))], [0, 1, 2])
    connection.sendall(message)
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # a job in the background stays deaf to Ctrl-C
            signal.signal(number, forward)
    status = connection.recv(4, socket.MSG_WAITALL)
    if len(status) < 4:
        print("error: the warm start server ended before the stage did. Run the command again.", file=sys.stderr)
        return 1
    code: int = struct.unpack("!i", status)[0]
    return code if code >= 0 else 128 - code


def main() -> int:
    """Exit status for the command line: the stage's own, or 2 if there is no such stage."""
    name, *argv = sys.argv[1:] or [""]
    if name in known_stages():
        return run_stage(name, argv)
    close = get_close_matches(name, known_stages(), n=1)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    print(f"error: no stage '{name}'{hint} Known: {', '.join(known_stages())}.", file=sys.stderr)
    print("Usage: python -m stages <stage> [arguments]. A stage is a file in stages/.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
