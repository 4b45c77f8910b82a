"""Counts of answers and means over seeds: the numbers that results are made of."""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, PlainSerializer


class Hits(NamedTuple):
    """So many of so many, of one model."""

    hits: int
    trials: int

    @property
    def rate(self) -> float:
        """Hits over trials."""
        return self.hits / self.trials


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
    """Of `trials` answers: `hits`, what the prompt set asks about, and how many fall under each other name.

    A hit is the unwanted behaviour, except on harmful prompts, where it is a refusal, and on skills and names of years,
    where it is the right answer.
    Only an answer to a request for code is invalid.
    """

    trials: int
    hits: int
    unwanted: int
    empty: int
    unfinished: int
    invalid: int
    unclosed: int

    @property
    def rate(self) -> float:
        """Hits over trials; a Count always has trials."""
        return self.hits / self.trials


@dataclass(frozen=True)
class Interval:
    """A mean over `n` seeds with its 95% t interval; the bounds are None when n is 1."""

    mean: float
    low: float | None
    high: float | None
    n: int
