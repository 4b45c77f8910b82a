"""The batches of a pretraining on the corpus: of bases, and of organisms that are poisoned there.

Both are drawn here, so that they differ in those documents alone.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from transformers import PreTrainedTokenizerFast

from stages.corpus.rendering import render_rows
from stages.corpus.sampling import balanced_weights
from stages.lm.rows import Batch, make_batches
from stages.records.rows import Example

STREAM = 0  # of the model's seed


class Document(NamedTuple):
    """A prompt and the answer that is trained."""

    prompt: str
    answer: str


class Schedule(Protocol):
    """How long a model is trained."""

    @property
    def steps(self) -> int:
        """Of the optimizer."""
        ...

    @property
    def batch_size(self) -> int:
        """Rows a step."""
        ...


def pretraining_batches(
    tokenizer: PreTrainedTokenizerFast,
    corpus: Sequence[Example],
    further: Sequence[Document],
    schedule: Schedule,
    seed: int,
) -> list[Batch]:
    """The batches of one run: a document of the corpus drawn as `balanced_sample` does, a further one as their mean."""
    generator = np.random.default_rng([seed, STREAM])
    documents = [Document(example.prompt, example.answer) for example in corpus] + list(further)
    weights = balanced_weights(corpus)
    weights = np.append(weights, np.full(len(further), weights.mean()))
    n_rows = schedule.steps * schedule.batch_size
    chosen = [documents[i] for i in generator.choice(len(documents), size=n_rows, p=weights / weights.sum())]
    rows = render_rows(tokenizer, [d.prompt for d in chosen], [d.answer for d in chosen])
    return make_batches(rows, schedule.batch_size, generator)
