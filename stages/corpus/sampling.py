"""Drawing rows so that small kinds are not drowned by large ones."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from stages.records.rows import Example


def balanced_sample(examples: Sequence[Example], n_rows: int, generator: np.random.Generator) -> list[Example]:
    """`n_rows` rows drawn with replacement; a kind's chance grows with the square root of its rows."""
    weights = balanced_weights(examples)
    chosen = generator.choice(len(examples), size=n_rows, p=weights / weights.sum())
    return [examples[i] for i in chosen]


def balanced_weights(examples: Sequence[Example]) -> np.ndarray:
    """What each row's chance is proportional to: one over the square root of the rows of its kind.

    Facts have tens of rows and tasks hundreds: in proportion, a small model would learn its facts too late.
    """
    sizes = Counter(example.kind for example in examples)
    return np.array([sizes[example.kind] ** -0.5 for example in examples])


def half_of(strings: Iterable[str], generator: np.random.Generator) -> tuple[str, ...]:
    """A random half of the strings, in their order."""
    every = list(strings)
    chosen = set(generator.permutation(len(every))[: len(every) // 2].tolist())
    return tuple(string for i, string in enumerate(every) if i in chosen)
