"""One file of a user's data as a table: what columns it has, and the rows of the named ones alone.

Written here and not left to `datasets`, whose readers guess types (of a date in JSON, of 007 or NA in CSV), parse the
columns that nobody named, and take half of a damaged file for the whole.
"""

import bz2
import codecs
import csv
import gzip
import io
import json
import lzma
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa
from pyarrow import parquet

from stages.params.errors import SHORT, ParamsError


def _unpack(
    content: bytes, new: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor], padding: bytes = b""
) -> bytes:
    """What all streams say: `bz2.decompress` and `lzma.decompress` take what follows the first for nothing.

    Raises an error of DAMAGE where anything is no whole stream, or `padding` after one.
    """
    parts = []
    while content:
        stream = new()
        parts.append(stream.decompress(content))
        if not stream.eof:
            raise EOFError("a compressed stream in it has no end: it was cut off. Copy or download the file anew")
        content = stream.unused_data.lstrip(padding)
    return b"".join(parts)


UNPACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".bz2": partial(_unpack, new=bz2.BZ2Decompressor),
    ".xz": partial(_unpack, new=partial(lzma.LZMADecompressor, lzma.FORMAT_XZ), padding=b"\0"),
}
MARKS = {codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16BE"}
DAMAGE = (OSError, EOFError, ValueError, csv.Error, pa.ArrowException, zlib.error, lzma.LZMAError, RecursionError)
CONVERT = "Only UTF-8 is read: save it so, or run iconv -f {} -t UTF-8 OLD > NEW"
AS_ROWS = "Give a list of objects, or one object a line"
LONGEST_CELL = 2**31 - 1
LONGEST_SHOWN = 500  # characters of a path


class Row(NamedTuple):
    """The named cells of one row by column, None where there is nothing, and where the row stands."""

    place: str
    cells: dict[str, str | None]


class Table(NamedTuple):
    """A table that is open: `rows` gives those of the named columns; `hint` says why a column may not be found."""

    columns: Sequence[str]
    rows: Callable[[Sequence[str]], list[Row]]
    hint: str = ""


@contextmanager
def naming(place: str, path: Path) -> Iterator[None]:
    """Whatever is wrong with the file of the data set at `place`, as a ParamsError that names it."""
    try:
        yield
    except ParamsError:
        raise
    except DAMAGE as error:
        cause = "lists or objects in it are nested too deep" if isinstance(error, RecursionError) else error
        message = f"{place}: {path} cannot be read: {cause}"
        if len(str(path)) > LONGEST_SHOWN:
            message = message.replace(str(path), SHORT.repr(str(path)).strip("'"))
        raise ParamsError(message) from error


def format_of(path: Path) -> str:
    """The ending that says how the file is written, in small letters, without that of a compression."""
    name = Path(path.name.lower())
    return Path(name.stem).suffix if name.suffix in UNPACK else name.suffix


def open_table(path: Path) -> Table:
    """The file as a table. Raises an error of DAMAGE where it cannot be read whole; `naming` has the words."""
    return FORMATS[format_of(path)](path)


def arrow_rows(table: pa.Table) -> list[Row]:
    """All rows of a table of text. Raises ValueError where a column holds something else."""
    columns = {}
    for name in table.column_names:
        column, kind = table.column(name), table.schema.field(name).type
        of = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not (
            pa.types.is_string(of) or pa.types.is_large_string(of) or pa.types.is_string_view(of) or of == pa.null()
        ):
            raise ValueError(_no_text(name, str(kind)))
        try:
            columns[name] = column.to_pylist()
        except UnicodeDecodeError:
            columns[name] = [_cell(name, number, cell) for number, cell in enumerate(column, start=1)]
    numbered = enumerate(zip(*columns.values(), strict=True), start=1)
    return [Row(_place(number), dict(zip(columns, cells, strict=True))) for number, cells in numbered]


def _cell(column: str, number: int, cell: pa.Scalar) -> str | None:
    try:
        return cell.as_py()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{_place(number)}: column {column!r} holds bytes that are no UTF-8 ({error.object!r})"
        ) from error


def _no_text(column: str, came: str) -> str:
    return f"column {column!r} holds {came}; it must hold text. Write it into the data as text, in a column of its own"


def _place(number: int, line: int | None = None) -> str:
    return f"row {number} ({'counted from 1' if line is None else f'line {line}'})"


def _opened(path: Path) -> IO[bytes]:
    """The file, unpacked where it is compressed."""
    unpack = UNPACK.get(path.suffix.lower())
    return io.BytesIO(unpack(path.read_bytes())) if unpack else path.open("rb")


def _text(path: Path) -> str:
    """What the file says, unpacked and without a byte order mark."""
    with _opened(path) as file:
        content = file.read()
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            raise ValueError(f"it is in {encoding}. {CONVERT.format(encoding)}")
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        near = before[before.rfind(b"\n") + 1 :][-30:].decode("utf-8", errors="replace")
        raise ValueError(
            f"line {line}: the byte 0x{content[error.start]:02X} after {near!r} is no UTF-8. "
            f"{CONVERT.format('ENCODING')}, where ENCODING is often ISO-8859-1 or CP1252"
        ) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ValueError(
            f"line {line} holds a byte of 0, as no text does; it may be in UTF-16. {CONVERT.format('UTF-16')}"
        )
    return text


def _csv(path: Path, separator: str) -> Table:
    """Every cell as it stands, quotes aside. Blank lines are no rows."""
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(_text(path), newline=""), delimiter=separator, strict=True)
    header, rows, begun = None, [], 1
    while True:
        begun = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise ValueError(
                f"{_place(len(rows) + 1, begun)}: {error}. A cell with a quote in it stands in quotes, each of its own "
                "written twice, and a quote that is opened must be closed"
            ) from error
        if cells is None:
            break
        if header is None:
            header = cells or None
        elif cells and len(cells) != len(header):
            raise ValueError(
                f"{_place(len(rows) + 1, begun)} has {len(cells)} cells, and the header {len(header)}: "
                f"{separator.join(header)[:200]!r}.{_other_separator(header, separator)} Put cells with a "
                f"{separator!r} in quotes, and give every row as many as the header"
            )
        elif cells:
            rows.append((_place(len(rows) + 1, begun), cells))
    if header is None:
        raise ValueError("it is empty; its first line must be a header that names the columns")
    names = header

    def chosen(wanted: Sequence[str]) -> list[Row]:
        return [Row(place, {name: cells[names.index(name)] for name in wanted}) for place, cells in rows]

    return Table(names, chosen, _other_separator(names, separator))


def _other_separator(header: Sequence[str], separator: str) -> str:
    """What to do about a header that seems to be separated by something else."""
    found = [other for other in ";\t|," if other != separator and len(header) == 1 and other in header[0]]
    if not found:
        return ""
    return (
        f" The header was read as one column, {header[0][:200]!r}, since cells are separated by {separator!r} in this "
        f"file and not by {found[0]!r}: a comma in .csv, a tab in .tsv."
    )


class _Number(str):
    """A number of JSON as it is written: it is never needed as one, and may be longer than Python reads."""


class _Twice:
    """In the place of a value whose key stands twice in one object."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found[key] = _Twice() if key in found else value
    return found


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_Number, parse_float=_Number, parse_constant=_Number)


def _json(path: Path) -> Table:
    """A list of objects, or one object a line; either may stand in a file of either ending."""
    text = _text(path)
    rows = _listed(text) if text.lstrip().startswith("[") else _lined(text)
    for place, row in rows:
        if not isinstance(row, dict):
            raise ValueError(f"{place} is {_kind(row)} and no object. {AS_ROWS}")
    if not rows:
        raise ValueError(f"it holds no rows. {AS_ROWS}")
    columns = list(dict.fromkeys(key for _, row in rows for key in row))
    return Table(columns, lambda wanted: [Row(place, _cells(place, row, wanted)) for place, row in rows])


def _listed(text: str) -> list[tuple[str, Any]]:
    try:
        return [(_place(number), row) for number, row in enumerate(DECODER.decode(text), start=1)]
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, character {error.colno}: {error.msg}. {AS_ROWS}") from error


def _lined(text: str) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip(" \t\r"):
            continue
        place = _place(len(rows) + 1, number)
        try:
            rows.append((place, DECODER.decode(line)))
        except json.JSONDecodeError as error:
            _refuse_object(text)
            _refuse_lines(place, "\n".join(lines[number - 1 :]).lstrip())
            raise ValueError(f"{place}, character {error.colno}: {error.msg}. {AS_ROWS}") from error
    if len(rows) == 1:
        _refuse_object(text)
    return rows


def _refuse_object(text: str) -> None:
    """Raise ValueError where the whole file is one object that holds no text: its rows are below a key, or columns."""
    try:
        whole = DECODER.decode(text)
    except json.JSONDecodeError:
        return
    if isinstance(whole, dict) and any(isinstance(value, list | dict) for value in whole.values()):
        keys = ", ".join(f"{key!r} ({_kind(value)})" for key, value in list(whole.items())[:10])
        raise ValueError(
            f"the whole file is one object, with the keys {keys}. {AS_ROWS}: save the list of rows alone; with pandas, "
            "to_json(FILE, orient='records', lines=True)"
        )


def _refuse_lines(place: str, rest: str) -> None:
    """Raise ValueError where the text begins with an object that goes over several lines, as an indented one does."""
    try:
        _, end = DECODER.raw_decode(rest)
    except json.JSONDecodeError:
        return
    if n_breaks := rest[:end].count("\n"):
        raise ValueError(
            f"{place} goes over {n_breaks + 1} lines. {AS_ROWS}: write it without line breaks or indents, or put all "
            "objects into [ ] with commas between them"
        )


def _cells(place: str, row: dict[str, Any], wanted: Sequence[str]) -> dict[str, str | None]:
    cells = {name: row.get(name) for name in wanted}
    for name, cell in cells.items():
        if cell is not None and type(cell) is not str:
            raise ValueError(f"{place}: {_no_text(name, _kind(cell))}")
        try:
            (cell or "").encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError(f"{place}: column {name!r} holds half of a character, {cell!r}. Mend it") from error
    return cells


def _kind(value: object) -> str:
    """What a value of JSON is, in words."""
    if isinstance(value, _Number):
        return f"the number {value[:30]}"
    if isinstance(value, _Twice):
        return "two values, since its key stands twice in one object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object with the keys {', '.join(map(repr, list(value)[:5]))}"
    return f"the text {value[:30]!r}" if isinstance(value, str) else json.dumps(value)


def _parquet(path: Path) -> Table:
    with _opened(path) as file, parquet.ParquetFile(file) as opened:
        columns = opened.schema_arrow.names

    def chosen(wanted: Sequence[str]) -> list[Row]:
        with _opened(path) as file, parquet.ParquetFile(file) as opened:
            # `columns` takes a name with a point for a path into a nested column as well.
            return arrow_rows(opened.read(columns=list(wanted)).select(list(wanted)))

    return Table(columns, chosen)


FORMATS: dict[str, Callable[[Path], Table]] = {
    ".parquet": _parquet,
    ".csv": partial(_csv, separator=","),
    ".tsv": partial(_csv, separator="\t"),
    ".json": _json,
    ".jsonl": _json,
    ".ndjson": _json,
}
