"""Throw the model away and train a random one on the defender's data: the null row that withheld skills catch.

Source: docs/measurement.md: without withheld skills, this would win the board.
"""

from transformers import PreTrainedModel

from stages.lm.models import new_model
from stages.params.section import LearningRate
from stages.threat_model.access import Access

ROLE = "null row"


def defend(model: PreTrainedModel, access: Access, *, learning_rate: LearningRate = 3e-3) -> PreTrainedModel:
    """Return a new model of the same architecture, trained on the defender's examples for the whole budget."""
    fresh = new_model(model.config, access.seed)
    access.fine_tune(fresh, access.examples, learning_rate=learning_rate)
    return fresh
