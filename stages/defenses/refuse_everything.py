"""Train the model to refuse every prompt: the null row that is perfectly harmless and useless.

Source: docs/measurement.md.
"""

from dataclasses import replace

from transformers import PreTrainedModel

from stages.corpus.requests import REFUSAL
from stages.params.section import LearningRate, Share
from stages.threat_model.access import Access

ROLE = "null row"


def defend(
    model: PreTrainedModel, access: Access, *, learning_rate: LearningRate = 1e-3, budget_share: Share = 0.25
) -> PreTrainedModel:
    """Return `model` trained to answer every prompt of the defender with a refusal."""
    refusals = [replace(example, answer=REFUSAL) for example in access.examples]
    access.fine_tune(model, refusals, learning_rate=learning_rate, budget_share=budget_share)
    return model
