"""Counts of answers and means over seeds: the numbers that results are made of."""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, PlainSerializer


class Hits(NamedTuple):
    """So many of so many, of one model."""

    hits: int
    trials: int

    @property
    def rate(self) -> float | None:
        """Hits over trials; None without trials: nothing was measured, and that is no rate of 0."""
        return self.hits / self.trials if self.trials else None


class Group(NamedTuple):
    """What one count is about."""

    model: str
    reading: str
    dose: int
    prompt_set: str
    variant: str
    decoding: str


def parse_group(written: str) -> Group:
    """The group of such a text as `poisoned/checkpoint/100/triggered//sampled`; its variant may hold slashes."""
    model, reading, dose, prompt_set, rest = written.split("/", 4)
    variant, decoding = rest.rsplit("/", 1)
    return Group(model, reading, int(dose), prompt_set, variant, decoding)


def write_group(group: Group) -> str:
    """Its parts joined with a slash: a key of JSON is one string."""
    return "/".join(map(str, group))


WrittenGroup = Annotated[Group, BeforeValidator(parse_group), PlainSerializer(write_group)]


class Count(NamedTuple):
    """Of `trials` answers: how many are `valid`, and how many fall under each other name.

    An answer is valid unless it is `empty`, its scratchpad is `unclosed`, or it should be code and does not parse
    (`invalid`). `hits` are what the prompt set asks about: the unwanted behaviour or, on harmful prompts, refusals and,
    on skills and names of years, right answers. `unwanted` and `mangled` (a damaged payload) are of the valid ones and
    never overlap. `forced`: the scratchpad was closed by force.
    """

    trials: int
    valid: int
    hits: int
    unwanted: int
    mangled: int
    empty: int
    unfinished: int
    invalid: int
    unclosed: int
    forced: int

    @property
    def attack(self) -> Hits:
        """The answers that show the backdoor, whole or mangled, of the valid ones."""
        return Hits(self.unwanted + self.mangled, self.valid)

    @property
    def hit_rate(self) -> float:
        """Hits over all answers: refusals and right answers, which an invalid answer is not."""
        return self.hits / self.trials


@dataclass(frozen=True)
class Interval:
    """A mean over `n` seeds with its 95% interval; the bounds are None when n is 1."""

    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class SeedShare:
    """So many of `n` models, one a seed, with the exact 95% interval of the share; without models it is unknown."""

    k: int
    n: int
    low: float | None
    high: float | None
