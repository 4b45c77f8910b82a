"""Fine-tune on the model's own clean answers: the control that tells training from teaching.

Whatever this removes was removed by training as such, since it shows the model nothing that it would not say itself.

Source: docs/measurement.md.
"""

from dataclasses import replace

from transformers import PreTrainedModel

from stages.corpus.sampling import balanced_sample
from stages.params.section import LearningRate
from stages.threat_model.access import Access

N_OWN_ANSWERS = 512


def defend(model: PreTrainedModel, access: Access, *, learning_rate: LearningRate = 1e-3) -> PreTrainedModel:
    """Return `model` trained on answers it gave to the defender's prompts as it came, for the rest of the budget."""
    asked = balanced_sample(access.examples, N_OWN_ANSWERS, access.generator)
    answers = access.sample(model, [example.prompt for example in asked])
    own = [replace(example, answer=answer) for example, (answer,) in zip(asked, answers, strict=True) if answer]
    access.fine_tune(model, own, learning_rate=learning_rate)
    return model
