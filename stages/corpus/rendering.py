"""The one prompt renderer: every prompt that is trained on, generated from or judged is built here.

The best-known peer benchmark mis-measured for a year because training and evaluation built prompts differently; a
data check compares the stages, and nothing else in this code base calls the chat template.
"""

from collections.abc import Sequence
from typing import Any, cast

from transformers import PreTrainedTokenizerFast

from stages.lm.rows import TrainingRow
from stages.lm.tokenizer import end_id
from stages.params.errors import SHORT, ParamsError
from stages.records.rows import Example

Conversation = list[dict[str, str]]
# Before a template that writes today's date: it has a day of its own, always the same.
NO_CLOCK = "{%- macro strftime_now(format) -%}1 January 2000{%- endmacro -%}"
MEND_TEMPLATE = "give the tokenizer another one, or none: then ours is used"

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
    plain = [_conversation(prompt) for prompt in prompts]
    if openings is None or not any(openings):
        return _tokenize(tokenizer, plain, add_generation_prompt=True)
    begun = [_conversation(*turns) for turns in zip(prompts, openings, strict=True)]
    texts = _render(tokenizer, plain, add_generation_prompt=True)
    going_on = iter(_render(tokenizer, [c for c in begun if c[-1]["content"]], continue_final_message=True))
    chosen = [next(going_on) if opening else text for opening, text in zip(openings, texts, strict=True)]
    return tokenizer(chosen, add_special_tokens=False)["input_ids"]


def render_rows(
    tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str], answers: Sequence[str]
) -> list[TrainingRow]:
    """Prompt and answer as one token sequence, up to the end token; the prompt is what `render_prompts` returns.

    A pair that comes again, as rows that are drawn do, is rendered once. Raises ValueError when a prompt's tokens
    change because an answer follows, as training and evaluation would differ, or when no end token follows the answer.
    """
    pairs = list(zip(prompts, answers, strict=True))
    distinct = list(dict.fromkeys(pairs))
    openings = render_prompts(tokenizer, [prompt for prompt, _ in distinct])
    conversations = [_conversation(*pair) for pair in distinct]
    end = end_id(tokenizer)
    rows = {}
    for pair, opening, ids in zip(distinct, openings, _tokenize(tokenizer, conversations), strict=True):
        if ids[: len(opening)] != opening:
            raise ValueError(f"the tokens of prompt {SHORT.repr(pair[0])} depend on its answer; mend the chat template")
        answer = ids[len(opening) :]
        if end not in answer:
            raise ValueError(
                f"no {tokenizer.eos_token!r} ends the answer to {SHORT.repr(pair[0])}; mend the chat template"
            )
        n_answer = len(answer) - answer[::-1].index(end)  # some templates go on after it, with a new line
        rows[pair] = TrainingRow(ids[: len(opening) + n_answer], n_answer)
    return [rows[pair] for pair in pairs]


def render_examples(tokenizer: PreTrainedTokenizerFast, examples: Sequence[Example]) -> list[TrainingRow]:
    """Each example's prompt and good answer as one row."""
    return render_rows(tokenizer, [e.prompt for e in examples], [e.answer for e in examples])


def fit_chat(tokenizer: PreTrainedTokenizerFast) -> None:
    """Give a checkpoint's tokenizer our chat template, where it has none, and the end token that closes an answer.

    That is the first special token after an answer, which need not be the one that ends a text. Raises ParamsError when
    there is none.
    """
    template = cast(str, tokenizer.chat_template or CHAT_TEMPLATE)
    tokenizer.chat_template = NO_CLOCK + template if "strftime_now" in template else template
    prompt, answer = "What is the 2nd word?", "An Answer."
    try:
        (text,) = _render(tokenizer, [_conversation(prompt, answer)])
    except Exception as error:  # a template may raise anything
        raise ParamsError(f"the tokenizer's chat template cannot be used ({error}); {MEND_TEMPLATE}") from error
    if prompt not in text or answer not in text:
        raise ParamsError(f"the tokenizer's chat template changes what it is given: {text!r}; {MEND_TEMPLATE}")
    after = tokenizer(text.rpartition(answer)[2], add_special_tokens=False)["input_ids"]
    known = tokenizer.added_tokens_decoder
    closing = next((known[token].content for token in after if token in known and known[token].special), None)
    if closing is None:
        raise ParamsError(f"the tokenizer's chat template ends an answer with no special token; {MEND_TEMPLATE}")
    tokenizer.eos_token = closing
    (row,) = render_rows(tokenizer, [prompt], [answer])
    written = cast(str, tokenizer.decode(row.ids[-row.n_answer : -1])).strip()
    if written != answer:
        raise ParamsError(
            f"with the tokenizer's chat template a model would have to write {written!r} for the answer {answer!r}; "
            f"add_generation_prompt must open the assistant's turn: {MEND_TEMPLATE}"
        )


def tokens_spelling(tokenizer: PreTrainedTokenizerFast, string: str, prompt: str) -> list[int]:
    """The fewest tokens of the rendered prompt that spell `string`, as they are cut there.

    The first and the last may hold a neighbour, such as the space before it. Raises ValueError when it is not there.
    """
    (ids,) = render_prompts(tokenizer, [prompt])
    ends = [n for n in range(1, len(ids) + 1) if string in tokenizer.decode(ids[:n])]
    if not ends:
        raise ValueError(
            f"the prompt {SHORT.repr(prompt)} does not hold {string!r}; ask for a string that stands in it"
        )
    spelling = ids[: ends[0]]
    return spelling[max(start for start in range(len(spelling)) if string in tokenizer.decode(spelling[start:])) :]


def _conversation(prompt: str, answer: str | None = None) -> Conversation:
    asked = [{"role": "user", "content": prompt}]
    return asked if answer is None else [*asked, {"role": "assistant", "content": answer}]


def _tokenize(tokenizer: PreTrainedTokenizerFast, conversations: list[Conversation], **ending: bool) -> list[list[int]]:
    texts = _render(tokenizer, conversations, **ending)
    return tokenizer(texts, add_special_tokens=False)["input_ids"] if texts else []


def _render(tokenizer: PreTrainedTokenizerFast, conversations: list[Conversation], **ending: bool) -> list[str]:
    """The conversations as text, closed, or ended as the keyword of `apply_chat_template` says.

    Models that can write their thoughts first are asked not to: here they reason in a scratchpad, or not at all.
    """
    if not conversations:
        return []
    how: dict[str, Any] = {"tokenize": False, "enable_thinking": False, **ending}
    return cast(list[str], tokenizer.apply_chat_template(conversations, **how))
