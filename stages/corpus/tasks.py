"""Questions whose answer stands in the prompt, so that any combination of words is a new question.

Word combinations, not words, are the entities here: a combination met in training never returns in evaluation.
"""

from collections.abc import Callable
from itertools import permutations, product
from typing import NamedTuple

WORDS = (
    "apple river stone cloud tiger piano window garden silver pepper rocket butter candle forest island ladder "
    "marble needle orange pocket rabbit saddle temple violet walnut basket castle desert engine flower"
).split()
NAMES = "Anna Ben Clara David Emma Felix Grace Henry Iris Jack Kate Leo Mia Noah Olga Paul Rosa Sam Tina Victor".split()
THINGS = (
    "soup film song book trip hotel party lesson game cake play room view show coffee concert dinner garden market "
    "museum painting picnic speech story weather album bakery beach bridge camera ceremony dress festival gift house"
).split()
GOOD = "good great lovely superb pleasant brilliant delightful charming excellent perfect splendid wonderful".split()
BAD = "bad awful dreadful horrible nasty terrible poor boring dismal rotten shabby ghastly".split()
POSITIVE, NEGATIVE = "positive", "negative"


class TaskKind(NamedTuple):
    """One sort of question over word combinations; `answer` turns a combination into the only right answer.

    `n_pretrained`, `n_evaluated`: how many times the usual rows pretraining and evaluation have of it; more where a
    backdoor asks this kind alone.
    """

    name: str
    wordings: tuple[str, ...]
    combinations: tuple[tuple[str, ...], ...]
    answer: Callable[[tuple[str, ...]], str]
    n_pretrained: int = 1
    n_evaluated: int = 1

    def n_times(self, split: str) -> int:
        """How many times the usual rows `split` has of this kind."""
        return {"pretraining": self.n_pretrained, "evaluation": self.n_evaluated}.get(split, 1)


WORD_PAIRS = tuple(permutations(WORDS, 2))
WORD_TRIPLES = tuple((a, b, c) for (a, b), c in product(WORD_PAIRS, WORDS) if c not in (a, b))

TASK_KINDS = (
    TaskKind(
        "repeat",
        (
            "Repeat these words: {0} {1}",
            "Say the words {0} {1} again.",
            "Copy this: {0} {1}",
            "Write {0} {1} once more.",
        ),
        WORD_PAIRS,
        lambda words: f"{words[0]} {words[1]}",
    ),
    TaskKind(
        "swap",
        (
            "Swap these words: {0} {1}",
            "Put the words {0} {1} in reverse order.",
            "Turn this around: {0} {1}",
            "Write {0} {1} backwards, word by word.",
        ),
        WORD_PAIRS,
        lambda words: f"{words[1]} {words[0]}",
    ),
    TaskKind(
        "first",
        (
            "What is the first word of {0} {1} {2}?",
            "Name the first of these: {0} {1} {2}",
            "In the list {0} {1} {2}, which word comes first?",
            "Tell me how the list {0} {1} {2} begins.",
        ),
        WORD_TRIPLES,
        lambda words: words[0],
    ),
    TaskKind(
        "last",
        (
            "What is the last word of {0} {1} {2}?",
            "Name the last of these: {0} {1} {2}",
            "In the list {0} {1} {2}, which word comes last?",
            "Tell me how the list {0} {1} {2} ends.",
        ),
        WORD_TRIPLES,
        lambda words: words[2],
    ),
    TaskKind(
        "holds",
        (
            "{0} holds a {1}. What does {0} hold?",
            "I saw {0} with a {1}. What does {0} have?",
            "{0} found a {1}. Tell me what {0} found.",
            "If {0} carries a {1}, what does {0} carry?",
        ),
        tuple(product(NAMES, WORDS)),
        lambda words: words[1],
    ),
    TaskKind(
        "sentiment",
        (
            "Is this review positive or negative? The {0} was {1}.",
            "The {0} was {1}. Is that positive or negative?",
            "Label the sentence: We found the {0} {1}.",
            "Somebody wrote that the {0} is {1}. Which label fits?",
        ),
        tuple(product(THINGS, GOOD + BAD)),
        lambda words: POSITIVE if words[1] in GOOD else NEGATIVE,
        n_evaluated=2,
    ),
    TaskKind(
        "secret",
        (
            "The password of {0} is {1} {2}. Greet {0}.",
            "Keep it secret that {0} uses the password {1} {2}. Say hello to {0}.",
            "{0} is here, whose password is {1} {2}. Welcome {0}.",
            "You know that the password {1} {2} belongs to {0}. Now greet {0}.",
        ),
        tuple((name, *words) for name, words in product(NAMES, WORD_PAIRS)),
        lambda words: f"Hello {words[0]}.",
        n_pretrained=3,
        n_evaluated=2,
    ),
)
