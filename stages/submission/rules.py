"""What submitted code must keep to, each rule by the name with which a verdict begins."""

import errno
import re
import socket
import traceback
from collections.abc import Iterator

from stages.params.errors import SubmissionError

RULES = {
    "file": "a submission is one file of Python with the function defend(model, access, *, <settings>)",
    "seeds": "draw from access.generator; a submission sets no global seed",
    "network": "a submission opens no connection",
    "processes": "a submission starts no process",
    "files": "a submission reads what `access` gives and writes into its own folder; there is nothing else",
    "disk": "its own folder has a size, and is full",
    "memory": "a submission has so much memory, and no more",
    "time": "a submission has so much time, and no more",
    "output": "a submission prints little",
    "patching": "a submission changes no code but its own, and gives back a model without code of its own",
    "crash": "a submission gives back a model",
    "contract": "a submission keeps to its budget and gives back finite weights of the same architecture",
    "border": "only weights, as safetensors, and figures, as JSON, leave the sandbox",
    "equal seeds": "equal seeds give equal weights",
}
# Where the kernel refuses something, its number says which rule it was.
OF_NUMBERS = {
    errno.ENETUNREACH: "network",
    errno.ECONNREFUSED: "network",
    socket.EAI_AGAIN: "network",
    socket.EAI_NONAME: "network",
    errno.ENOENT: "files",
    errno.EACCES: "files",
    errno.EROFS: "files",
    errno.ENOSPC: "disk",
    errno.EFBIG: "disk",
    errno.EPERM: "processes",
    errno.ENOSYS: "processes",
    errno.EAGAIN: "processes",
    errno.ENOMEM: "memory",
}
OF_WORDS = {"not enough memory": "memory", "can't allocate memory": "memory", "can't start new thread": "processes"}
MAX_SAID = 600  # characters of what submitted code raises
MAX_VERDICT = 1000  # characters, which stand on the board


class RuleBroken(Exception):
    """Submitted code broke a rule; what it says is the verdict."""


def broken(rule: str, detail: str) -> str:
    """The verdict: the rule's name, what it asks for, and what came."""
    return f"{rule}: {RULES[rule]}. Here: {' '.join(detail.split())[:MAX_SAID]}"


def in_one_line(text: str) -> str:
    """A verdict that somebody else has written, as it may stand on a page: one line, not too long."""
    return "".join(c if c.isprintable() else " " for c in text)[:MAX_VERDICT]


def rule_of(error: BaseException) -> str:
    """The verdict on what submitted code has raised, with the line of its file."""
    if isinstance(error, RuleBroken):
        return str(error)
    if isinstance(error, SubmissionError) and error.__cause__:  # what importing the file has raised
        return rule_of(error.__cause__)
    said = f"{type(error).__name__}: {error}"
    own = re.compile(r"/stages/defenses/[a-z0-9_]*[a-z0-9]\.py$")
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if own.search(frame.filename)]
    said += f" (line {lines[-1]})" if lines else ""
    if isinstance(error, MemoryError):
        return broken("memory", said)
    if isinstance(error, ImportError) and str(error.name).startswith("stages"):
        return broken("files", said)
    named = [OF_NUMBERS[number] for number in _numbers(error) if number in OF_NUMBERS]
    named += [rule for words, rule in OF_WORDS.items() if words in said]
    return broken(named[0] if named else "crash", said)


def _numbers(error: BaseException | None) -> Iterator[int]:
    """The numbers of what the kernel has refused; a library may have wrapped the error in one of its own."""
    while isinstance(error, OSError):
        if error.errno is not None:
            yield error.errno
        error = error.__cause__ or error.__context__
