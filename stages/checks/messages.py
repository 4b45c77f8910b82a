"""The message of the checks that failed: in how many rows, the limit, the remedy and three short samples of each.

It fits on a screen, however many checks fail: those of one name are told together, causes before symptoms.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from os.path import commonprefix
from typing import Any, NamedTuple

from stages.checks.parts import Check, Part
from stages.params.errors import SHORT

MAX_TOLD = 6  # checks, of six lines each; with the first line and the last fewer than 40
N_SAMPLES = 3
N_CONTEXT = 30  # characters before and after what a sample is about


class Failure(NamedTuple):
    """A check that failed on a part, with Great Expectations' own result."""

    part: Part
    check: Check
    result: Mapping[str, Any]


def explain(dataset: str, failures: Sequence[Failure], n_checks: int) -> str:
    """All that failed of `n_checks` checks, in words: at most 40 lines."""
    by_name: dict[str, list[Failure]] = {}
    for failure in sorted(failures, key=lambda failure: failure.check.is_symptom):
        by_name.setdefault(failure.check.name, []).append(failure)
    lines = [f"{dataset}: {len(failures)} of {n_checks} data checks failed. Rows are counted from 0."]
    for name, same in islice(by_name.items(), MAX_TOLD):
        lines += [
            f"- {name}: not so in {', '.join(map(_extent, same))}",
            f"  allowed: {same[0].check.allowed}",
            f"  to do: {same[0].check.remedy}",
            *islice(chain.from_iterable(map(_samples, same)), N_SAMPLES),
        ]
    if left := [*by_name][MAX_TOLD:]:
        lines.append(f"and {len(left)} more that may follow from these: {SHORT.repr(left)[1:-1]}")
    return "\n".join(lines)


def _extent(failure: Failure) -> str:
    """How much of the part breaks the check, or what was seen of it as a whole, or why that could not be said."""
    name, details = failure.part.name, failure.result["result"]
    if cause := _what_was_raised(failure.result["exception_info"]):
        return f"{name}, where Great Expectations could not tell: {cause}"
    if "unexpected_count" in details:
        return f"{details['unexpected_count']} of {details['element_count']} rows of {name}"
    if lacking := details.get("partial_missing_list"):
        return f"{name}, which lacks {SHORT.repr(lacking)[1:-1]}"
    seen = details.get("details", {}).get("mismatched") or details["observed_value"]
    return f"{name}, where it is {f'{seen:.6g}' if isinstance(seen, float) else SHORT.repr(seen)}"


def _what_was_raised(info: Mapping[str, Any]) -> str:
    """The first line of the first exception; `info` is one exception's, or has several by the metric that raised it."""
    several = [info] if "raised_exception" in info else list(info.values())
    raised = [each["exception_message"] for each in several if each["raised_exception"]]
    return SHORT.repr(raised[0].strip().partition("\n")[0]) if raised else ""


def _samples(failure: Failure) -> Iterator[str]:
    """A line for each row that breaks the check, where it is about rows."""
    check, frame = failure.check, failure.part.frame
    for number in failure.result["result"].get("partial_unexpected_index_list", []):
        row = frame.loc[number]
        shown = [column for column in dict.fromkeys(["kind", *check.columns, *check.shown]) if column in row]
        cells = {column: f"{column} {_short(row[column], check)}" for column in shown}
        if difference := _difference([row[column] for column in check.columns]):
            cells[check.columns[0]] = f"{check.columns[0]} {difference}"
            del cells[check.columns[1]]
        yield f"  row {number} of {failure.part.name}: {'; '.join(cells.values())}"


def _short(value: object, check: Check) -> str:
    """A cell, cut; a text in which a pattern was found is cut around what was found."""
    if not isinstance(value, str):
        return str(value)
    pattern = getattr(check.expectation, "regex", None)
    if pattern and (found := re.search(pattern, value)):
        start, end = max(0, found.start() - N_CONTEXT), found.end() + N_CONTEXT
        return "..." * (start > 0) + SHORT.repr(value[start:end]) + "..." * (end < len(value))
    return SHORT.repr(value)


def _difference(texts: Sequence[object]) -> str:
    """Where what is and what should be part, of two texts that may look alike: long ones, or beyond plain letters."""
    if len(texts) != 2 or not all(isinstance(text, str) for text in texts):
        return ""
    came, wanted = map(str, texts)
    if max(len(came), len(wanted)) <= 2 * N_CONTEXT and came.isascii() and wanted.isascii():
        return ""
    at = len(commonprefix([came, wanted]))
    named = (repr(text[at : at + 6]).encode("ascii", "namereplace").decode() for text in (came, wanted))
    return "from character {} on, after {}, is {} and should be {}".format(
        at, SHORT.repr(came[:at][-N_CONTEXT:]), *named
    )
