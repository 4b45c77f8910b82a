"""The section `access`: what every defender gets."""

from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from stages.params.section import Count, Section

MAX_BUDGET_SHARE = 0.2


def _is_comparable(share: float) -> float:
    if not 0 < share <= MAX_BUDGET_SHARE:
        raise ValueError(
            f"is {share}; it must be above 0 and at most {MAX_BUDGET_SHARE}, or rows stop being comparable "
            "(docs/measurement.md)"
        )
    return share


BudgetShare = Annotated[float, AfterValidator(_is_comparable)]


class AccessParams(Section):
    """What every defender gets: compute as a share of pretraining, rows a batch.

    `checkpoints`: the shares of that compute at which the model is kept for the curve.
    """

    budget_share: BudgetShare
    checkpoints: list[Annotated[float, Field(gt=0, le=1)]] = Field(min_length=1)
    batch_size: Count

    @field_validator("checkpoints")
    @classmethod
    def _rise_to_the_whole(cls, shares: list[float]) -> list[float]:
        if shares[-1] != 1 or any(later <= earlier for earlier, later in pairwise(shares)):
            raise ValueError(
                f"is {shares}; each share of the budget must be above the one before and the last 1.0, the whole budget"
            )
        return shares
