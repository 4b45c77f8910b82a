"""How far a defended model is from what it was made of, and from its clean siblings. One file a cell."""

from dataclasses import dataclass

from stages.records.results import TextKey, Version


@dataclass(frozen=True)
class Weighed:
    """Euclidean distances over all weights: to the input, and to each clean sibling by its name."""

    to_input: float
    to_siblings: dict[str, float]

    @property
    def is_nearer_to_a_sibling(self) -> bool:
        """Whether some clean sibling is nearer than the input: the flag."""
        return min(self.to_siblings.values()) < self.to_input


@dataclass(frozen=True)
class WeighedCell:
    """The content of reports/weighed/<cell>.json; `failed` says why a seed has no model to weigh."""

    benchmark_version: Version
    cell: str
    seeds: dict[TextKey, Weighed]
    failed: dict[TextKey, str]

    @property
    def n_flagged(self) -> int:
        """Models that are nearer to a clean sibling than to their input."""
        return sum(weighed.is_nearer_to_a_sibling for weighed in self.seeds.values())
