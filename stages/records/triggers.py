"""The triggers that were drawn: for each backdoor and seed the string, and all that looks like it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Trigger:
    """What one seed of a backdoor is set off by, and what it must not be set off by, each by the name of its rule.

    A rule has the same name in every seed, and so do the counts of answers under it. `decoys`: other strings of the
    type, whose rows leave this seed's data as those of the trigger do: else what is missing would tell the trigger.
    """

    string: str
    trained_near_misses: dict[str, str]
    held_out_near_misses: dict[str, str]
    variants: dict[str, str]
    decoys: tuple[str, ...] = ()

    @property
    def near_misses(self) -> dict[str, str]:
        """Those with rows in training, and those without."""
        return self.trained_near_misses | self.held_out_near_misses


Triggers = dict[str, dict[int, Trigger]]  # by backdoor and seed
