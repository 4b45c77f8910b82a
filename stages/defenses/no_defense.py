"""Leave the organism as it is: the null row that shows what the measurement reads when nothing is done.

Source: docs/measurement.md.
"""

from transformers import PreTrainedModel

from stages.threat_model.access import Access

ROLE = "null row"


def defend(model: PreTrainedModel, access: Access) -> PreTrainedModel:
    """Return `model`."""
    return model
