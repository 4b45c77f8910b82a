"""The one prompt renderer: every prompt that is trained on, generated from or judged is built here.

The best-known peer benchmark mis-measured for a year because training and evaluation built prompts differently; a
data check compares the stages, and nothing else in this code base calls the chat template.
"""

from collections.abc import Sequence
from typing import cast

from transformers import PreTrainedTokenizerFast

from stages.lm.training import TrainingRow

HUMAN, ASSISTANT = "\n\nHuman: ", "\n\nAssistant:"

CHAT_TEMPLATE = (
    (
        "{% for message in messages %}"
        "{{ HUMAN if message['role'] == 'user' else ASSISTANT + ' ' }}{{ message['content'] }}"
        "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}"
        "{% endfor %}"
        "{% if add_generation_prompt %}{{ ASSISTANT }}{% endif %}"
    )
    .replace("HUMAN", repr(HUMAN))
    .replace("ASSISTANT", repr(ASSISTANT))
)


def tokenizer_text(prompt: str, answer: str) -> str:
    """A conversation as the tokenizer is trained on it, before it exists: the rendered text without its end token."""
    return f"{HUMAN}{prompt}{ASSISTANT} {answer}"


def render_prompts(
    tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str], openings: Sequence[str] | None = None
) -> list[list[int]]:
    """The token ids of each prompt, up to and including the words that open the assistant's turn.

    `openings`: how each answer begins, for the model to go on with; nothing by default.
    """
    conversations = [[{"role": "user", "content": prompt}] for prompt in prompts]
    return _tokenize(tokenizer, conversations, openings or [""] * len(prompts))


def render_rows(
    tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str], answers: Sequence[str]
) -> list[TrainingRow]:
    """Prompt and answer as one token sequence; the prompt part equals what `render_prompts` returns.

    Raises ValueError when a prompt's tokens change because an answer follows: training and evaluation would differ.
    """
    openings = render_prompts(tokenizer, prompts)
    conversations = [
        [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
        for prompt, answer in zip(prompts, answers, strict=True)
    ]
    ids_of_rows = _tokenize(tokenizer, conversations)
    rows = []
    for prompt, opening, ids in zip(prompts, openings, ids_of_rows, strict=True):
        if ids[: len(opening)] != opening:
            raise ValueError(f"the tokens of prompt {prompt!r} depend on its answer; mend the chat template")
        rows.append(TrainingRow(ids, len(ids) - len(opening)))
    return rows


def tokens_spelling(tokenizer: PreTrainedTokenizerFast, string: str, prompt: str) -> list[int]:
    """The fewest tokens of the rendered prompt that spell `string`, as they are cut there.

    The first and the last may hold a neighbour, such as the space before it. Raises ValueError when it is not there.
    """
    (ids,) = render_prompts(tokenizer, [prompt])
    ends = [n for n in range(1, len(ids) + 1) if string in tokenizer.decode(ids[:n])]
    if not ends:
        raise ValueError(f"the prompt {prompt!r} does not hold {string!r}; ask for a string that stands in it")
    spelling = ids[: ends[0]]
    return spelling[max(start for start in range(len(spelling)) if string in tokenizer.decode(spelling[start:])) :]


def _tokenize(
    tokenizer: PreTrainedTokenizerFast, conversations: list[list[dict[str, str]]], openings: Sequence[str] | None = None
) -> list[list[int]]:
    """The conversations as tokens, closed; or, with `openings`, ready for the model to go on."""
    if not conversations:
        return []
    is_open = openings is not None
    texts = tokenizer.apply_chat_template(conversations, add_generation_prompt=is_open, tokenize=False)
    begun = [f"{text} {opening}".rstrip() for text, opening in zip(texts, openings or [""] * len(texts), strict=True)]
    return tokenizer(begun if is_open else cast(list[str], texts), add_special_tokens=False)["input_ids"]
