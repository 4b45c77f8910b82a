"""What break-it entries found in one cell: counts of answers of its models and their shams. One file a cell."""

from dataclasses import dataclass

from stages.records.results import Counts, TextKey, Version


@dataclass(frozen=True)
class EntryCounts:
    """One entry: the counts of each organism and each sham, by seed.

    `failed` says of models, as `poisoned/3`, why they could not be attacked.
    """

    seeds: dict[TextKey, Counts]
    shams: dict[TextKey, Counts]
    failed: dict[str, str]


@dataclass(frozen=True)
class BrokenCell:
    """The content of reports/breaks/<cell>.json; `entries` by their names."""

    benchmark_version: Version
    cell: str
    entries: dict[str, EntryCounts]
