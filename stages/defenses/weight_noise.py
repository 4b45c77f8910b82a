"""Add Gaussian noise to every weight matrix: the null row that damages without aim.

Source: docs/measurement.md. The strength is relative to each matrix's own spread.
"""

import torch
from transformers import PreTrainedModel

from stages.threat_model.access import Access

ROLE = "null row"


@torch.no_grad()
def defend(model: PreTrainedModel, access: Access, *, scale: float = 0.1) -> PreTrainedModel:
    """Return `model` with noise of `scale` standard deviations added to each weight matrix."""
    generator = torch.Generator(model.device).manual_seed(access.seed)
    for weight in model.parameters():
        if weight.dim() > 1:
            weight += scale * weight.std() * torch.randn(weight.shape, generator=generator)
    return model
