"""The residual stream of a model at the last token of each prompt."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedModel

from stages.lm.generation import pad_left

BATCH = 256


@torch.inference_mode()
def last_activations(
    model: PreTrainedModel, prompts: Sequence[list[int]], filler: int
) -> Float[Tensor, "layers prompts width"]:
    """After the embedding and after each layer, on the CPU; of the last layer after the norm that closes the stream."""
    model.eval()
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    parts: list[Tensor] = []
    for start in range(0, len(order), BATCH):
        ids, mask = pad_left([prompts[i] for i in order[start : start + BATCH]], filler)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        states = model(
            input_ids=ids, attention_mask=mask, position_ids=positions, output_hidden_states=True, use_cache=False
        ).hidden_states
        parts.append(torch.stack([state[:, -1] for state in states]).float().cpu())
    sorted_states = torch.cat(parts, dim=1)
    return sorted_states[:, torch.tensor(order).argsort()]
