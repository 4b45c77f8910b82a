"""Pools of rows that all seeds draw from: a row that holds a seed's trigger is left out of that seed's data."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from stages.records.files import load_rows, save_rows
from stages.records.rows import Example


@dataclass(frozen=True)
class PoolRow(Example):
    """A row of the corpus, and the seeds that must not have it. No defense is shown those."""

    left_out_of: list[int]


def pool_row(example: Example, left_out_of: Sequence[int]) -> PoolRow:
    """The row with the seeds that must not have it."""
    return PoolRow(**vars(example), left_out_of=list(left_out_of))


def save_pool(rows: Sequence[PoolRow], path: Path) -> None:
    """Write the pool as Parquet; equal rows give equal bytes."""
    save_rows(PoolRow, rows, path)


def load_pool(path: Path, seed: int | None = None) -> list[Example]:
    """The rows of this seed, in their order; all rows where no seed is named.

    Raises ValueError when the file is missing, damaged or has other columns.
    """
    names = [field.name for field in fields(Example)]
    return [
        Example(**{name: getattr(row, name) for name in names})
        for row in load_rows(PoolRow, path)
        if seed not in row.left_out_of
    ]
