"""Rows in Parquet and records in JSON: equal content gives equal bytes, and a damaged file is a clear error."""

import json
import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset

Row = TypeVar("Row")

REPRODUCE = "delete it and run `dvc repro` to make it again"


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


def write_json(content: Any, path: Path) -> None:  # noqa: ANN401
    """Sorted, stable JSON, one line for each list of numbers."""
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False)
    # A line break stands between bracket and number in lists alone: strings hold none.
    text = re.sub(r"\[\n\s*(-?\d[^\[\]{}\"]*?)\s*\]", lambda m: "[" + " ".join(m[1].split()) + "]", text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")
