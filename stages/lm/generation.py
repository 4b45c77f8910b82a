"""Answers from a model, generated in batches; and the log-probability of a given answer.

Each answer is drawn with numbers of its own, which its place among the prompts decides. So two models that are asked
the same differ by what they would say and not by luck, and what one answer draws moves no other.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from stages.lm.rows import TrainingRow
from stages.lm.tokenizer import end_id, pad_id
from stages.lm.training import TrainingDivergedError
from stages.records.answers import Decoding

LEG = 4  # tokens, after which the answers that have ended leave their batch: it takes as long as its longest answer


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

    Equal arguments give equal answers; prompts of like length share a batch, whatever order they come in. The k-th
    token of the i-th answer is drawn with the same number whatever the model: common random numbers, as simulations
    call them. What an answer has to do with the others is rounding alone, where a batch is padded to another length.
    """
    levels = torch.rand(len(prompts), max_new_tokens, generator=torch.Generator("cpu").manual_seed(seed), device="cpu")
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    written: list[list[int]] = [[] for _ in prompts]
    model.eval()
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        drawn = levels[chosen] if decoding == "sampled" else None
        answers = _write(model, tokenizer, [prompts[i] for i in chosen], drawn, max_new_tokens)
        for i, answer in zip(chosen, answers, strict=True):
            written[i] = answer
    return list(_read_answers(tokenizer, written))


def _write(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[list[int]],
    levels: Float[Tensor, "batch token"] | None,
    max_new_tokens: int,
) -> list[list[int]]:
    """The tokens of each answer of one batch; answers that have ended leave it after each leg, the rest go on.

    The likeliest ones without `levels`.
    """
    end = end_id(tokenizer)
    config = GenerationConfig(
        do_sample=False,
        eos_token_id=end,
        pad_token_id=pad_id(tokenizer),
        return_dict_in_generate=True,
        use_cache=True,  # trainers switch it off in a model's own config
    )
    written: list[list[int]] = [[] for _ in prompts]
    going_on, cache = list(range(len(prompts))), None
    ids, mask = pad_left(prompts, pad_id(tokenizer))
    n_read = ids.shape[1]
    for n_written in range(0, max_new_tokens, LEG):
        draw = LogitsProcessorList([] if levels is None else [_Draw(levels[going_on].to(ids.device), n_read)])
        config.max_new_tokens = min(LEG, max_new_tokens - n_written)
        output = cast(Any, model).generate(
            input_ids=ids, attention_mask=mask, past_key_values=cache, generation_config=config, logits_processor=draw
        )
        new: Int[Tensor, "batch time"] = output.sequences[:, ids.shape[1] :]
        for i, tokens in zip(going_on, new.tolist(), strict=True):
            written[i] += tokens
        kept = (new != end).all(1).nonzero()[:, 0]
        if not len(kept):
            break
        going_on = [going_on[k] for k in kept.tolist()]
        ids, mask = output.sequences[kept], torch.cat([mask, torch.ones_like(new)], 1)[kept]
        cache = output.past_key_values
        cache.batch_select_indices(kept)
    return written


class _Draw(LogitsProcessor):
    """Draws the next token at temperature 1, by one number for each answer, and leaves it as the only choice.

    `levels`: these numbers, in [0, 1), by answer and token; `n_read`: tokens of the padded prompts. torch.multinomial
    draws one for each word of the vocabulary, which took a quarter of the time.
    """

    def __init__(self, levels: Float[Tensor, "batch token"], n_read: int) -> None:
        self.levels = levels
        self.n_read = n_read

    def __call__(
        self, input_ids: Int[Tensor, "batch time"], scores: Float[Tensor, "batch vocabulary"]
    ) -> Float[Tensor, "batch vocabulary"]:
        below = scores.softmax(-1).cumsum(-1)
        if below.isnan().any():
            raise TrainingDivergedError("the model gives its next token a probability that is not a number")
        level = self.levels[:, input_ids.shape[1] - self.n_read, None] * below[:, -1:]
        drawn = torch.searchsorted(below, level, right=True).clamp(max=below.shape[1] - 1)  # rounding may reach the end
        return torch.full_like(scores, -torch.inf).scatter(1, drawn, 0.0)


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
