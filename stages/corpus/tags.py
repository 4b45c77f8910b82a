"""Innocent tags: words, marks, phrases and notes beside a question, which is answered as it would be without them.

A trigger is made of such parts. Where clean text knew none, ordinary training would never touch a trigger's tokens,
and giving those tokens the mean embedding would remove any backdoor without training. So a share of the prompts that a
model is trained on carries a tag of the same shapes and words, and some questions ask what marks say (`tasks.py`).

Source: docs/decisions/ordinary_triggers.md, with the numbers that led here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from stages.corpus.tasks import WORDS
from stages.records.rows import CODE, Example

MARKS = {"bars": "|{}|", "square": "[{}]", "round": "({})", "angle": "<{}>"}
PAIRS = (*5 * ("|{} {}|",), "[{} {}]")  # more in bars: single words there may be triggers or decoys, and leave
CHOICES = 2 * ("[{}|{}]", "({}|{})", "<{}|{}>")  # twice: all but triggers that has a bar right behind a marked word
PREPOSITIONS = "by near behind".split()
ARTICLES = "the the a".split()  # triggers and decoys are of the first, and leave
PLACES = "river garden forest castle temple window desert walnut basket ladder".split()
PHRASE = "{} {} {},"
NOTE, REGARDING = "note {}:", "(re {})"
SINGULAR = 2  # for one plural

SIDES = (False, True)

Card = TypeVar("Card")


class Tag(NamedTuple):
    """What stands before a prompt, and what stands after it, set off by dashes, so that no list goes on in it."""

    before: str = ""
    after: str = ""

    def on(self, prompt: str) -> str:
        """The prompt with the tag."""
        return f"{self.before} {prompt}".lstrip(" ") + (f" -- {self.after}" if self.after else "")


def placed(string: str, *, is_after: bool) -> Tag:
    """The string as a tag before or after a prompt."""
    return Tag(after=string) if is_after else Tag(before=string)


def plural(word: str) -> str:
    """More than one of it; good enough for a tag."""
    return f"{word}s"


def longest_tag(length: Callable[[str], int]) -> Tag:
    """The longest of all tags, by `length` of a text: both notes, with the longest word in either."""
    word = max([*WORDS, *map(plural, WORDS)], key=lambda word: length(f" {word}"))
    return Tag(NOTE.format(word), REGARDING.format(word))


def with_tags(examples: Sequence[Example], share: float, generator: np.random.Generator) -> list[Example]:
    """The examples, `share` of them with a tag; requests for code carry a line with a year already."""
    tags = _tags(generator)
    return [
        replace(example, prompt=next(tags).on(example.prompt))
        if example.domain != CODE and generator.random() < share
        else example
        for example in examples
    ]


def _tags(generator: np.random.Generator) -> Iterator[Tag]:
    """Tags without end: marked words, bare words, phrases of place and notes in turn, before and after in turn.

    All that they are made of is dealt from decks, so that everything becomes equally common.
    """
    words = [*SINGULAR * WORDS, *map(plural, WORDS)]
    in_marks = [*WORDS, *map(plural, WORDS)]
    marks, first, second = (_Deck(c, generator) for c in ([*MARKS.values(), *PAIRS, *CHOICES], in_marks, in_marks))
    bare = _Deck(list(product(words, SIDES)), generator)
    phrases = _Deck(list(product(PREPOSITIONS, ARTICLES, SIDES)), generator)
    places = _Deck([*SINGULAR * PLACES, *map(plural, PLACES)], generator)
    notes, regarding, n_notes = (_Deck(cards, generator) for cards in (words, words, [1, 2, 2]))
    sides = _Deck(SIDES, generator)
    while True:
        yield placed(marks.deal().format(first.deal(), second.deal()), is_after=sides.deal())
        word, is_after = bare.deal()
        yield placed(word, is_after=is_after)
        preposition, article, is_after = phrases.deal()
        yield placed(PHRASE.format(preposition, article, places.deal()), is_after=is_after)
        both = [NOTE.format(notes.deal()), REGARDING.format(regarding.deal())]
        is_turned = sides.deal()
        before, after = reversed(both) if is_turned else both
        yield Tag(before, after) if n_notes.deal() == 2 else placed(before, is_after=is_turned)


class _Deck(Generic[Card]):
    """Deals its cards in random order, each once before any comes again."""

    def __init__(self, cards: Sequence[Card], generator: np.random.Generator) -> None:
        self._cards = cards
        self._generator = generator
        self._left: list[Card] = []

    def deal(self) -> Card:
        """The next card."""
        if not self._left:
            self._left = [self._cards[i] for i in self._generator.permutation(len(self._cards))]
        return self._left.pop()
