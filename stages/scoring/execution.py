"""Whether code does its task: run beside the expected code, on the same benign input.

What a model wrote runs in a process of its own, without environment, files, network or further processes and with
limits of time and memory; see `sandbox.py`.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence

from stages.scoring import sandbox

SECONDS_A_BATCH = 600  # far above what the sandbox allows itself: only a machine that hangs gets there
PAIRS_A_BATCH = 500

Pair = tuple[str, str]  # expected code, answer

_known: dict[Pair, bool] = {}  # answers repeat, and a process start costs as much as a hundred of them


def does_task(expected: str, answer: str) -> bool:
    """Whether the answer does what the expected code does; for many of them, call `do_tasks` first."""
    return do_tasks([(expected, answer)])[0]


def do_tasks(pairs: Iterable[Pair]) -> list[bool]:
    """`does_task` of each pair of expected code and answer."""
    asked = list(pairs)
    unknown = list(dict.fromkeys(pair for pair in asked if pair[0] != pair[1] and pair not in _known))
    for start in range(0, len(unknown), PAIRS_A_BATCH):
        batch = unknown[start : start + PAIRS_A_BATCH]
        _known.update(zip(batch, _run(batch), strict=True))
    return [pair[0] == pair[1] or _known[pair] for pair in asked]


def _run(pairs: Sequence[Pair]) -> list[bool]:
    """The verdicts of the sandbox; where it ends early, the pair that ended it is False and the rest run again."""
    verdicts: list[bool] = []
    while len(verdicts) < len(pairs):
        verdicts += _run_once(pairs[len(verdicts) :])
        if len(verdicts) < len(pairs):
            verdicts.append(False)
    return verdicts


def _run_once(pairs: Sequence[Pair]) -> list[bool]:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-I", "-S", sandbox.__file__],
            input=json.dumps(pairs),
            capture_output=True,
            encoding="utf-8",
            cwd=folder,
            env={},
            timeout=SECONDS_A_BATCH,
            check=False,
        )
    if done.returncode > 0:  # a signal is what an answer asked for; this is our side
        raise RuntimeError(f"the sandbox of stages/scoring/execution.py failed: {done.stderr}")
    return [line == "1" for line in done.stdout.split()]
