"""The section `access`: what every defender gets."""

from pydantic import field_validator

from stages.params.section import Count, Section

MAX_BUDGET_SHARE = 0.2


class AccessParams(Section):
    """What every defender gets: compute as a share of pretraining, checkpoints over it, rows a batch."""

    budget_share: float
    checkpoints: Count
    batch_size: Count

    @field_validator("budget_share")
    @classmethod
    def _is_comparable(cls, share: float) -> float:
        if not 0 < share <= MAX_BUDGET_SHARE:
            raise ValueError(
                f"is {share}; it must be above 0 and at most {MAX_BUDGET_SHARE}, or rows stop being comparable "
                "(docs/measurement.md)"
            )
        return share
