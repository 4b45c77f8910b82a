"""Rows in Parquet and records in JSON: equal content gives equal bytes, and a damaged file is a clear error.

A record is a frozen dataclass, or a dictionary of such. Its types are all that reading and writing need to know.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset
from pydantic import TypeAdapter, ValidationError

Row = TypeVar("Row")
Record = TypeVar("Record")

REPRODUCE = "delete it and run `dvc repro` to make it again"
VERSIONS = (("schema_version",), ("benchmark_version",))
MAX_LISTED = 3  # things that are wrong with one file
WORDS = {"missing": "is missing", "unexpected_keyword_argument": "is no key of it"}


def save_rows(kind: type[Row], rows: Sequence[Row], path: Path) -> None:
    """Write rows of the dataclass `kind` to a Parquet file that `datasets` reads; equal rows give equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    Dataset.from_dict({name: [getattr(row, name) for row in rows] for name in columns}).to_parquet(path)


def load_rows(kind: type[Row], path: Path) -> list[Row]:
    """The rows of a Parquet file as `kind`. Raises ValueError when it is missing, damaged or has other columns."""
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise ValueError(f"{path} is not a readable Parquet file ({error}); {REPRODUCE}") from error
    expected = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    if sorted(table.column_names) != sorted(expected):
        raise ValueError(f"{path} has columns {sorted(table.column_names)}, expected {sorted(expected)}; {REPRODUCE}")
    return [kind(**row) for row in table.to_pylist()]


def write_json(content: object, path: Path) -> None:
    """Write a record as sorted, stable JSON, one line for each list of numbers."""
    text = json.dumps(plain(content), indent=1, sort_keys=True, allow_nan=False)
    # A line break stands between bracket and number in lists alone: strings hold none.
    text = re.sub(r"\[\n\s*(-?\d[^\[\]{}\"]*?)\s*\]", lambda m: "[" + " ".join(m[1].split()) + "]", text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def page_json(content: object) -> str:
    """A record as the JSON of a page that people read as well: sorted, letters of every script as they are."""
    return json.dumps(plain(content), indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def plain(content: object) -> object:
    """A record as dictionaries and lists. Raises PydanticSerializationError when a value is not of its field's type."""
    return _adapter(type(content)).dump_python(content, warnings="error")


def read_record(kind: type[Record], path: Path) -> Record:
    """The record of this kind in a JSON file that write_json wrote.

    Raises ValueError when the file is missing or damaged, or when a key is missing, unknown or of another type.
    """
    try:
        return _adapter(kind).validate_json(path.read_bytes(), strict=True, extra="forbid")
    except OSError as error:
        raise ValueError(f"{path} is not readable ({error}); {REPRODUCE}") from error
    except ValidationError as error:
        raise ValueError(f"{path} is not readable ({_what_is_wrong(error)}); {REPRODUCE}") from error


@cache
def _adapter(kind: type[Record]) -> TypeAdapter[Record]:
    return TypeAdapter(kind)


def _what_is_wrong(error: ValidationError) -> str:
    """The first things that are wrong, versions before all others, each with its place in the file."""
    found = sorted(error.errors(include_url=False), key=lambda one: one["loc"] not in VERSIONS)
    said = []
    for one in found[:MAX_LISTED]:
        place, came = ".".join(map(str, one["loc"])), one["input"]
        is_shown = place and one["type"] not in WORDS and isinstance(came, str | int | float | None)
        words = WORDS.get(one["type"], one["msg"][:1].lower() + one["msg"][1:])
        said.append(f"{place} {words}".strip() + (f", not {came!r}" if is_shown else ""))
    return "; ".join(said) + (f"; and {len(found) - MAX_LISTED} more" if len(found) > MAX_LISTED else "")
