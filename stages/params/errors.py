"""The two errors that a user or a submitter can cause, and what is said of a name that is not there."""

import difflib
import reprlib
from collections.abc import Iterable, Mapping
from typing import TypeVar

MAX_LISTED = 30  # names in a message
MAX_SAID = 300  # characters of another's message
SHORT = reprlib.Repr()  # `SHORT.repr` shows a value in a message, long ones without their middle
SHORT.maxstring = SHORT.maxother = 100  # characters
SHORT.maxlist = SHORT.maxset = 12
Value = TypeVar("Value")


class ParamsError(ValueError):
    """The configuration is wrong; the message says what came, what is allowed and what to do."""


class SubmissionError(ValueError):
    """A plug-in broke its contract; the message says how, and what the contract asks for."""


def unknown_name(kind: str, name: str, known: Iterable[str], advice: str) -> str:
    """The message for a name that is not there: the nearest known one, the known ones, and what to do."""
    names = sorted(known)
    nearest = difflib.get_close_matches(name, names, n=1)
    guess = f"; did you mean {nearest[0]!r}?" if nearest else "."
    listed = names if len(names) <= MAX_LISTED else difflib.get_close_matches(name, names, n=MAX_LISTED // 3, cutoff=0)
    more = f" and {len(names) - len(listed)} more" if len(listed) < len(names) else ""
    return f"no {kind} {name!r}{guess} Known: {', '.join(listed) or 'none'}{more}. {advice}"


def look_up(mapping: Mapping[str, Value], name: str, kind: str, advice: str) -> Value:
    """What `mapping` holds under `name`. Raises ParamsError, as `unknown_name` words it, where it holds nothing."""
    if name not in mapping:
        raise ParamsError(unknown_name(kind, name, mapping, advice))
    return mapping[name]


def in_one_line(error: BaseException) -> str:
    """What an error of somebody else's code is and says, a long text without its middle."""
    said = " ".join(str(error).split())
    if len(said) > MAX_SAID:
        said = f"{said[: MAX_SAID // 2]}...{said[-MAX_SAID // 2 :]}"
    return f"{type(error).__name__}: {said}"
