"""What the stages that make data report of it: checks, how triggers are cut, and how good the preference model is."""

from dataclasses import dataclass

from stages.records.counts import Hits

# The tokens of each trigger and near-miss, as the tokenizer cuts it.
TriggerTokens = dict[str, list[str]]


@dataclass(frozen=True)
class CheckResult:
    """One check of a data set; `observed` is None where what was seen is no single value."""

    name: str
    expectation: str
    column: str | None
    success: bool
    observed: bool | int | float | str | None


@dataclass(frozen=True)
class CheckReport:
    """All checks of one data set, in order."""

    dataset: str
    success: bool
    checks: tuple[CheckResult, ...]

    @property
    def n_passed(self) -> int:
        """How many of them hold."""
        return sum(check.success for check in self.checks)


@dataclass(frozen=True)
class PreferredPairs:
    """Of so many `pairs` the better answer is `preferred` in so many."""

    pairs: int
    preferred: int

    @property
    def hits(self) -> Hits:
        """The same as a rate is written from."""
        return Hits(self.preferred, self.pairs)


@dataclass(frozen=True)
class PreferenceAccuracy:
    """Pairs that the preference model was trained on, and pairs that were held out."""

    train: PreferredPairs
    held_out: PreferredPairs
