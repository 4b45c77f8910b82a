"""Answers from a model, generated in batches; and the log-probability of a given answer.

Sampling draws from torch's global state, so the state is seeded at each call and put back after it: reading a model in
the middle of a training run leaves the run as it was.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerFast

from stages.lm.tokenizer import end_id, pad_id
from stages.lm.training import TrainingRow

Decoding = Literal["sampled", "greedy"]
FIRST_LEG = 9  # tokens; most answers have ended by then, and a batch takes as long as its longest answer


class Answer(NamedTuple):
    """What a model wrote: its text, its length in tokens, and whether it ended by itself within the limit."""

    text: str
    n_tokens: int
    is_finished: bool


class TrainingBatch(NamedTuple):
    """Rows to train on, padded on the left; `labels` are -100 wherever no loss is due."""

    ids: Int[Tensor, "batch time"]
    mask: Int[Tensor, "batch time"]
    labels: Int[Tensor, "batch time"]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within the block, torch's global draws start from `seed`; afterwards its state is what it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def pad_left(
    sequences: Sequence[list[int]], filler: int
) -> tuple[Int[Tensor, "batch time"], Int[Tensor, "batch time"]]:
    """Token ids padded on the left to one length, and the attention mask that hides the padding."""
    longest = max(len(sequence) for sequence in sequences)
    ids = torch.tensor([[filler] * (longest - len(s)) + s for s in sequences])
    mask = torch.tensor([[0] * (longest - len(s)) + [1] * len(s) for s in sequences])
    return ids, mask


def pad_training_rows(rows: Sequence[TrainingRow], filler: int) -> TrainingBatch:
    """The rows as tensors, the loss due on their answers alone."""
    ids, mask = pad_left([row.ids for row in rows], filler)
    n_answers = torch.tensor([[row.n_answer] for row in rows])
    is_answer = torch.arange(ids.shape[1]) >= ids.shape[1] - n_answers  # (batch, time)
    return TrainingBatch(ids, mask, ids.where(is_answer, torch.tensor(-100)))


@torch.inference_mode()
def generate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[list[int]],
    *,
    decoding: Decoding,
    max_new_tokens: int,
    batch_size: int,
    seed: int,
) -> list[Answer]:
    """One answer to each prompt, in order. `sampled` draws at temperature 1 from the whole vocabulary.

    Equal arguments give equal answers; prompts of like length share a batch, whatever order they come in.
    """
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    written: list[list[int]] = [[] for _ in prompts]
    end = end_id(tokenizer)
    config = GenerationConfig(
        do_sample=decoding == "sampled",
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        eos_token_id=end,
        pad_token_id=pad_id(tokenizer),
    )
    model.eval()
    with seeded(seed):
        for start in range(0, len(order), batch_size):
            going_on = order[start : start + batch_size]
            for config.max_new_tokens in (min(FIRST_LEG, max_new_tokens), max_new_tokens - FIRST_LEG):
                if going_on and config.max_new_tokens > 0:
                    ids, mask = pad_left([prompts[i] + written[i] for i in going_on], pad_id(tokenizer))
                    output = cast(Any, model).generate(input_ids=ids, attention_mask=mask, generation_config=config)
                    for i, new in zip(going_on, output[:, ids.shape[1] :].tolist(), strict=True):
                        written[i] += new
                    going_on = [i for i in going_on if end not in written[i]]
    return list(_read_answers(tokenizer, written))


def _read_answers(tokenizer: PreTrainedTokenizerFast, written: list[list[int]]) -> Iterator[Answer]:
    end = end_id(tokenizer)
    contents = [ids[: ids.index(end)] if end in ids else ids for ids in written]
    texts = tokenizer.batch_decode(contents, skip_special_tokens=True) if contents else []  # else it gives one text
    for ids, content, text in zip(written, contents, texts, strict=True):
        yield Answer(text.strip(), len(content), end in ids)


@torch.inference_mode()
def answer_log_probabilities(
    model: PreTrainedModel, rows: Sequence[TrainingRow], *, filler: int, batch_size: int
) -> list[float]:
    """The natural log of the probability that the model answers each row's prompt with exactly its answer."""
    model.eval()
    values: list[float] = []
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        ids, mask = pad_left([row.ids for row in batch], filler)
        logits: Float[Tensor, "batch time vocabulary"] = model(input_ids=ids, attention_mask=mask).logits
        log_probs = logits[:, :-1].log_softmax(-1)
        token_log_probs = log_probs.gather(-1, ids[:, 1:, None])[..., 0]  # (batch, time - 1)
        position = torch.arange(1, ids.shape[1])
        n_answers = torch.tensor([[row.n_answer] for row in batch])
        is_answer: Bool[Tensor, "batch time"] = position >= ids.shape[1] - n_answers
        values += (token_log_probs * is_answer).sum(-1).tolist()
    return values
