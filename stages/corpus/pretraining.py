"""Pretraining on the corpus, with or without further documents among its own: bases, and organisms poisoned there.

Both are made here, so that they differ in those documents alone.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from stages.corpus.examples import Example
from stages.corpus.rendering import render_rows
from stages.corpus.sampling import balanced_weights
from stages.lm.training import Batch, Cost, fine_tune, make_batches

STREAM = 0  # of the model's seed


class Document(NamedTuple):
    """A prompt and the answer that is trained."""

    prompt: str
    answer: str


class Schedule(Protocol):
    """How long and how fast a model is trained."""

    @property
    def steps(self) -> int:
        """Of the optimizer."""
        ...

    @property
    def batch_size(self) -> int:
        """Rows a step."""
        ...

    @property
    def learning_rate(self) -> float:
        """The peak."""
        ...


def pretrain(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    corpus: Sequence[Example],
    further: Sequence[Document],
    schedule: Schedule,
    seed: int,
    lora_rank: int,
) -> Cost:
    """Train `model` in place and return the cost. Raises TrainingDivergedError when it diverges."""
    batches = pretraining_batches(tokenizer, corpus, further, schedule, np.random.default_rng([seed, STREAM]))
    return fine_tune(model, tokenizer, batches, learning_rate=schedule.learning_rate, seed=seed, lora_rank=lora_rank)


def pretraining_batches(
    tokenizer: PreTrainedTokenizerFast,
    corpus: Sequence[Example],
    further: Sequence[Document],
    schedule: Schedule,
    generator: np.random.Generator,
) -> list[Batch]:
    """The batches of one run: a document of the corpus drawn as `balanced_sample` does, a further one as their mean."""
    documents = [Document(example.prompt, example.answer) for example in corpus] + list(further)
    weights = balanced_weights(corpus)
    weights = np.append(weights, np.full(len(further), weights.mean()))
    n_rows = schedule.steps * schedule.batch_size
    chosen = [documents[i] for i in generator.choice(len(documents), size=n_rows, p=weights / weights.sum())]
    rows = render_rows(tokenizer, [d.prompt for d in chosen], [d.answer for d in chosen])
    return make_batches(rows, schedule.batch_size, generator)
