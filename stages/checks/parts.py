"""What is checked: parts of a data set, each a data frame with its checks."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from great_expectations.expectations.expectation import Expectation


class Check(NamedTuple):
    """A plain sentence, the expectation that tests it, and what is said where it fails: the limit and the remedy.

    Of a row that breaks it are shown its kind, the columns of the expectation, and those of `shown`. A symptom mostly
    fails because another check does, and is told after it.
    """

    name: str
    expectation: Expectation
    allowed: str
    remedy: str
    shown: tuple[str, ...] = ()
    is_symptom: bool = False

    @property
    def columns(self) -> list[str]:
        """The columns that the expectation is about, none where it is about the table."""
        named = [getattr(self.expectation, name, None) for name in ("column", "column_A", "column_B")]
        return [column for column in named if column]


class Part(NamedTuple):
    """A data frame with the checks it must pass; its index counts the rows of the whole data set, from 0."""

    name: str
    frame: pd.DataFrame
    checks: Sequence[Check]
