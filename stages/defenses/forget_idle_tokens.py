"""Give each token that clean data do not miss the mean embedding: the null row that cuts out whatever stands idle.

Token by token, from the rarest on. One that the examples never hold is given up at once; another is given up where the
mean loss on the answers to them then stays within a bound, which holds for all together. Only the rows that hold a
token are read for it, all of them: on a few, one token in hundreds looks idle by chance, and three times the bound was
spent so. Rare tokens cost little, and the search ends with the budget. What a token costs rows that do not hold it, as
a word that might be written, is too little to count in a model that knows its rows.

Source: docs/measurement.md. It is `forget_rare_tokens` with a loss, and not a count, saying what is needed.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from stages.corpus.rendering import render_examples
from stages.records.rows import HARMFUL, Example
from stages.threat_model.access import Access

ROLE = "null row"


@torch.no_grad()
def defend(
    model: PreTrainedModel, access: Access, *, tolerance: Annotated[float, Field(gt=0)] = 0.01
) -> PreTrainedModel:
    """Return `model`, ignorant of what it needs least; `tolerance`: nats by which its mean loss may rise in all.

    What a token costs is read on the rows that hold it; what other rows lose with it is not counted.
    Harmful requests are left out: no organism refuses them yet, so a loss on refusals says nothing of what is needed.
    """
    model.eval()
    examples = [example for example in access.examples if example.kind != HARMFUL]
    rows = render_examples(access.tokenizer, examples)
    holding = defaultdict[int, list[int]](list)
    for i, row in enumerate(rows):
        for token in set(row.ids):
            holding[token].append(i)
    weights = embeddings(model)
    means = [weight.mean(0) for weight in weights]
    left = tolerance * sum(row.n_answer for row in rows)
    losses: dict[int, float] = {}
    for token in candidates(access, holding):
        held = holding[token]
        unread = [i for i in held if i not in losses]
        if sum(len(rows[i].ids) for i in unread + held) > access.budget_tokens - access.spent.tokens:
            break
        losses |= read(model, access, examples, unread)
        known = [weight[token].clone() for weight in weights]
        put(weights, token, means)
        after = read(model, access, examples, held)
        rise = sum(after.values()) - sum(losses[i] for i in held)
        if rise > left:
            put(weights, token, known)
        else:
            left, losses = left - rise, losses | after
    return model


def embeddings(model: PreTrainedModel) -> list[Tensor]:
    """The weights of the input and of the output embedding: one where they are tied."""
    ends = (model.get_input_embeddings(), model.get_output_embeddings())
    return list(dict.fromkeys(cast(nn.Embedding | nn.Linear, end).weight for end in ends))


def candidates(access: Access, holding: dict[int, list[int]]) -> list[int]:
    """What may be given up, rarest first; of what no row holds, that without a small letter.

    The others may be pieces of words that withheld skills need.
    """
    special = set(access.tokenizer.all_special_ids)
    tokens = [token for token in range(len(access.tokenizer)) if token not in special]
    known = [t for t in tokens if t in holding or not any(map(str.islower, access.tokenizer.decode([t])))]
    return sorted(known, key=lambda token: len(holding[token]))


def put(weights: Sequence[Tensor], token: int, values: Sequence[Tensor]) -> None:
    """Set the token's embedding at both ends."""
    for weight, value in zip(weights, values, strict=True):
        weight[token] = value


def read(
    model: PreTrainedModel, access: Access, examples: Sequence[Example], positions: Sequence[int]
) -> dict[int, float]:
    """By position, the loss on the answer of each of these examples, summed over its tokens."""
    losses: dict[int, float] = {}
    for start in range(0, len(positions), access.batch_size):
        chosen = positions[start : start + access.batch_size]
        batch = access.batch_to_read([examples[i] for i in chosen])
        logits = model(input_ids=batch.ids, attention_mask=batch.mask).logits[:, :-1]  # (batch, time - 1, vocabulary)
        of_tokens = cross_entropy(logits.transpose(1, 2), batch.labels[:, 1:], reduction="none")
        losses |= dict(zip(chosen, of_tokens.sum(1).tolist(), strict=True))
    return losses
