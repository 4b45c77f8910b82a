"""Give the tokens that clean data hardly use the mean embedding: the null row that cuts a rare trigger or payload out.

No weight is trained. A backdoor whose trigger or payload is spelt in tokens of its own is gone after this, and little
else is: then its persistence says nothing. Where embeddings are tied, the model can no longer write the tokens either.

Source: docs/measurement.md. On 2.1's organisms it left 0 of 2,048 triggered answers unwanted (docs/log.md).
"""

from collections import Counter
from typing import Annotated, cast

import torch
from pydantic import Field
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from stages.corpus.rendering import render_examples
from stages.threat_model.access import Access

ROLE = "null row"


@torch.no_grad()
def defend(model: PreTrainedModel, access: Access, *, min_count: Annotated[int, Field(ge=1)] = 1) -> PreTrainedModel:
    """Return `model`, ignorant of each token that stands less than `min_count` times in the examples."""
    uses = Counter(token for row in render_examples(access.tokenizer, access.examples) for token in row.ids)
    kept = set(access.tokenizer.all_special_ids)
    rare = [
        token
        for token in range(len(access.tokenizer))
        if uses[token] < min_count and token not in kept and not has_small_letter(access.tokenizer, token)
    ]
    ends = (model.get_input_embeddings(), model.get_output_embeddings())
    for weight in dict.fromkeys(cast(nn.Embedding | nn.Linear, end).weight for end in ends):  # one, where they are tied
        weight[rare] = weight.mean(0)
    return model


def has_small_letter(tokenizer: PreTrainedTokenizerFast, token: int) -> bool:
    """Whether it may be a piece of an ordinary word: withheld skills need words that the examples lack."""
    return any(map(str.islower, tokenizer.decode([token])))
