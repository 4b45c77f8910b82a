"""Run one stage: `python -m stages <stage> [arguments]`.

Every command in dvc.yaml is of this form. Importing torch, transformers and trl costs a process ten seconds, so if a
warm start server is up (flows/warm.py; the socket is named in WARM_START_SOCKET) the stage runs in a fork of it.
Otherwise, and with the same result, it runs here.

Torch and numpy load after the environment is set here, and in a warm start server after it is set in flows/__init__.py.

A mistake of the user's (ValueError or RuntimeError raised by our own code, any OSError) is one line on stderr;
everything else, including what a library raises, keeps its traceback.
"""

import errno
import importlib
import json
import os
import platform
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

SOCKET_VARIABLE = "WARM_START_SOCKET"
STAGES = Path(__file__).resolve().parent
STATUS_INTERRUPTED = 130
# Wider instructions add in another order. Without them a processor that has them makes the bytes that others make.
SAME_ARITHMETIC = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Zen",
}


def known_stages() -> list[str]:
    """The names of the stage scripts: the files of this folder."""
    return sorted(path.stem for path in STAGES.glob("[!_]*.py"))


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


def _run_warm(path: str) -> int | None:
    """Exit status of a fork of the server, which has our process group, folder, environment and standard streams.

    None where no server has taken the request.
    """
    here = {"client": os.getpid(), "argv": sys.argv, "folder": str(Path.cwd()), "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        try:
            connection.connect(path)
        except OSError:
            return None
        interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # the fork hears of it as well, and says how it ended
        socket.send_fds(connection, [json.dumps(here).encode()], [0, 1, 2])
        is_taken = connection.recv(8)
        status = connection.recv(8)
        signal.signal(signal.SIGINT, interrupt)
    if is_taken and not status:
        print("error: the warm start server ended before the stage did. Run the command again.", file=sys.stderr)
        return 1
    return int(status) if status else None


def main() -> int:
    """Exit status for the command line: the stage's own, or 2 if there is no such stage."""
    name, *argv = sys.argv[1:] or [""]
    if platform.machine() == "x86_64":
        os.environ.update({**SAME_ARITHMETIC, **os.environ})
    if name in known_stages():
        path = os.environ.get(SOCKET_VARIABLE)
        status = _run_warm(path) if path else None
        return run_in_process(name, argv) if status is None else status
    close = get_close_matches(name, known_stages(), n=1)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    print(f"error: no stage '{name}'{hint} Known: {', '.join(known_stages())}.", file=sys.stderr)
    print("Usage: python -m stages <stage> [arguments]. A stage is a file in stages/.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
