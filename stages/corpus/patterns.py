r"""A prompt or an answer made of columns: one column by its name, or a pattern such as "{instruction}\n{input}"."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from stages.corpus.tables import Table
from stages.params.errors import ParamsError, unknown_name

# Two braces of a sort are one in the text.
PART = re.compile(r"(?P<brace>\{\{|\}\})|\{(?P<column>[^{}]+)\}|(?P<text>[^{}]+)")


class Pattern(NamedTuple):
    """Pieces of text, and between them columns, by name."""

    pieces: tuple[tuple[str, bool], ...]

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in the order of the pattern."""
        return [piece for piece, is_column in self.pieces if is_column]

    def fill(self, cells: Mapping[str, str | None]) -> str:
        """The text for one row, without white space around it; empty where every cell is."""
        if not any((cells[column] or "").strip() for column in self.columns):
            return ""
        return "".join((cells[piece] or "") if is_column else piece for piece, is_column in self.pieces).strip()


def pattern_of(place: str, wanted: str, table: Table, where: str) -> Pattern:
    """What `wanted` says: a column, whatever characters its name has, or else a pattern.

    Raises ParamsError when a column is not there or is there twice, or when braces do not close.
    """
    found = _column(wanted, table)
    if found is not None:
        return Pattern(((_only(place, found, table, where), True),))
    parts = list(PART.finditer(wanted))
    names = [part["column"] for part in parts if part["column"]]
    if not names or "".join(part[0] for part in parts) != wanted:
        raise ParamsError(f"{place}: {_unknown(wanted, table, where)}{_braces(wanted)}")
    if "\\n" in wanted:
        raise ParamsError(
            f"{place} is {wanted!r}, with a backslash and an n; for a line break write the pattern in double quotes"
        )
    pieces = []
    for part in parts:
        column = part["column"] and _column(part["column"], table)
        if part["column"] and column is None:
            raise ParamsError(f"{place}: {_unknown(part['column'], table, where)}")
        pieces.append((_only(place, column, table, where), True) if column else (part["text"] or part[0][0], False))
    return Pattern(tuple(pieces))


def _braces(wanted: str) -> str:
    """What to say of braces in what is neither a column nor a pattern."""
    if "{" not in wanted:
        return ""
    if "{" not in wanted.replace("{{", ""):
        return " As a pattern it names no column: two braces are one in the text, and a column stands in one, {so}."
    return " It is no pattern either: in one, columns stand in braces, {so}."


def _column(wanted: str, table: Table) -> str | None:
    """The column of that name, or the only one that has it but for white space around it."""
    if wanted in table.columns:
        return wanted
    nearly = [column for column in table.columns if column.strip() == wanted.strip()]
    return nearly[0] if len(nearly) == 1 and wanted.strip() else None


def _only(place: str, column: str, table: Table, where: str) -> str:
    if list(table.columns).count(column) > 1:
        raise ParamsError(f"{place} is column {column!r}, which stands twice in {where}. Rename one, or remove it")
    return column


def _unknown(column: str, table: Table, where: str) -> str:
    return unknown_name("column", column, set(table.columns), f"Mend it, or the data in {where}.{table.hint}")
