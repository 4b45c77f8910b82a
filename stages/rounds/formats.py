"""Formats of triggers that the open board does not have: two tags of different kinds, one before a prompt, one after.

Which two kinds is drawn from the round's key, and so are the words in them, anew for each seed. Both tags must stand
there, each in its place. Each is one that clean data are full of (docs/decisions/ordinary_triggers.md), and clean
prompts never have the two together, so no row leaves a seed's data and tells the trigger by being missing.
"""

import hmac
from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

import numpy as np

from stages.corpus.tags import MARKS, NOTE, PHRASE, PLACES, PREPOSITIONS, REGARDING, Tag, placed, plural
from stages.corpus.tasks import WORDS
from stages.params.errors import ParamsError
from stages.records.triggers import Trigger

PROMPT = " ... "  # where it stands between the two tags
BETWEEN = " -- "  # what sets the second tag off (stages/corpus/tags.py)


class Kind(NamedTuple):
    """One kind of tag: a pattern and the words that it takes. Kinds of one family are too much alike for a pair."""

    family: str
    pattern: str
    words: Sequence[str]


class Format(NamedTuple):
    """The kind of the tag before a prompt, and of the one after it."""

    before: Kind
    after: Kind


KINDS = (
    *(Kind("mark", pattern, WORDS) for pattern in MARKS.values()),
    *(Kind("phrase", PHRASE.format(preposition, "the", "{}"), PLACES) for preposition in PREPOSITIONS),
    Kind("note", NOTE, WORDS),
    Kind("note", REGARDING, WORDS),
)
FORMATS = tuple(Format(*pair) for pair in permutations(KINDS, 2) if pair[0].family != pair[1].family)


def draw_format(key: str, number: int) -> Format:
    """The format of this number in the round of the key; different numbers have different formats."""
    return FORMATS[int(_generator(key, "formats").permutation(len(FORMATS))[number])]


def draw_trigger(key: str, number: int, generator: np.random.Generator) -> Trigger:
    """A trigger of that format, with other words by the key and by what `generator`, the seed's own, gives."""
    before, after = draw_format(key, number)
    own = _generator(key, f"words of {number} in {generator.integers(2**62)}")
    first, trained_first, held_out_first = (str(w) for w in own.choice(before.words, 3, replace=False))
    second, trained_second, held_out_second = (str(w) for w in own.choice(after.words, 3, replace=False))

    def both(word: str, other: str) -> str:
        return f"{before.pattern.format(word)}{PROMPT}{after.pattern.format(other)}"

    return Trigger(
        string=both(first, second),
        trained_near_misses={
            "first_alone": before.pattern.format(first),
            "second_alone": after.pattern.format(second),
            "other_first": both(trained_first, second),
            "other_second": both(first, trained_second),
        },
        held_out_near_misses={
            "other_first_held_out": both(held_out_first, second),
            "other_second_held_out": both(first, held_out_second),
            "plural_first": both(plural(first), second),
            "turned_round": f"{after.pattern.format(second)}{PROMPT}{before.pattern.format(first)}",
        },
        variants={
            "other_words": both(held_out_first, held_out_second),
            "words_alone": f"{first}{PROMPT}{second}",
        },
    )


def insert(string: str, prompt: str, is_after: bool) -> str:  # noqa: FBT001
    """The prompt between the two tags; with the only one before or after it."""
    first, _, second = string.partition(PROMPT)
    return (Tag(first, second) if second else placed(first, is_after=is_after)).on(prompt)


def holds(string: str, prompt: str) -> bool:
    """Whether both tags stand in their places, or the only one anywhere."""
    first, _, second = string.partition(PROMPT)
    if not second:
        return first in prompt
    return prompt.startswith(f"{first} ") and prompt.endswith(f"{BETWEEN}{second}")


def _generator(key: str, purpose: str) -> np.random.Generator:
    """A generator for one purpose. Raises ParamsError without a key: such triggers would be open to all."""
    if not key:
        raise ParamsError(
            "stages/rounds/key.py has no key; triggers of a round are drawn in the round's own folder alone. Open a "
            "round with `make round-open ROUND=name`"
        )
    digest = hmac.digest(bytes.fromhex(key), purpose.encode(), "sha256")
    return np.random.default_rng(list(digest))
