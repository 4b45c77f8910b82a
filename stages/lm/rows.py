"""Rows of token ids to train on, and batches of like length in an order that is fixed before the run."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

TRAINED_TOKEN_COST = 3  # in forward tokens: the backward pass costs twice the forward pass (docs/measurement.md)
BATCHES_PER_POOL = 8

Row = TypeVar("Row")


class TrainingRow(NamedTuple):
    """Token ids of prompt and answer; the last `n_answer` tokens, the answer and its end token, carry the loss."""

    ids: list[int]
    n_answer: int


Batch = list[TrainingRow]


def training_tokens(batch: Sequence[TrainingRow]) -> int:
    """What training on the batch once costs, in forward tokens; padding is not counted."""
    return TRAINED_TOKEN_COST * sum(len(row.ids) for row in batch)


def in_pools(rows: Sequence[Row], batch_size: int) -> Iterator[Sequence[Row]]:
    """`rows` in their order, cut into pools of eight batches; the last may be smaller."""
    pool_size = batch_size * BATCHES_PER_POOL
    for start in range(0, len(rows), pool_size):
        yield rows[start : start + pool_size]


def make_batches(rows: Sequence[TrainingRow], batch_size: int, generator: np.random.Generator) -> list[Batch]:
    """`rows` in their order, cut into pools of eight batches; within a pool, rows of like length share a batch.

    The last rows that do not fill a batch are dropped. Within a pool the batches are shuffled, so that length does not
    rise and fall with the step; between pools the caller's order stays.
    """
    batches: list[Batch] = []
    for unsorted in in_pools(rows, batch_size):
        pool = sorted(unsorted, key=lambda row: len(row.ids))
        cuts = [pool[i : i + batch_size] for i in range(0, len(pool) - batch_size + 1, batch_size)]
        batches += [cuts[i] for i in generator.permutation(len(cuts))]
    return batches
