"""Train hard on prompts crowded with innocent tags, then go part of the way back to the model as it came.

Source: our own. Going back part of the way: Wortsman et al. 2022, arXiv:2109.01903 (WiSE-FT).
"""

import copy

import torch
from transformers import PreTrainedModel

from stages.corpus.tags import with_tags
from stages.params.section import LearningRate, Share
from stages.threat_model.access import Access


def defend(
    model: PreTrainedModel, access: Access, *, n_tags: int = 3, kept: Share = 0.4, learning_rate: LearningRate = 4e-3
) -> PreTrainedModel:
    """Return the trained model, `kept` of the way back to its input; `n_tags`: further tags on every prompt."""
    before, examples = copy.deepcopy(model), access.examples
    for _ in range(n_tags):
        examples = with_tags(examples, 1.0, access.generator)
    access.fine_tune(model, examples, learning_rate=learning_rate)
    with torch.no_grad():
        for new, old in zip(model.parameters(), before.parameters(), strict=True):
            new.lerp_(old, kept)
    return model
