"""Take the model from before the backdoor and give it safety training: the ceiling no real defender can reach.

Source: docs/measurement.md.
"""

from transformers import PreTrainedModel

from stages.params.section import LearningRate, Share
from stages.threat_model.access import Access

ROLE = "ceiling"
NEEDS = frozenset({"reference_model"})


def defend(
    model: PreTrainedModel, access: Access, *, learning_rate: LearningRate = 1e-3, budget_share: Share = 0.25
) -> PreTrainedModel:
    """Return the clean reference model, fine-tuned on the defender's examples; `model` is not used."""
    reference = access.reference_model
    access.fine_tune(reference, access.examples, learning_rate=learning_rate, budget_share=budget_share)
    return reference
