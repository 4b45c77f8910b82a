"""The one prompt renderer: every prompt that is trained on, generated from or judged is built here.

The best-known peer benchmark mis-measured for a year because training and evaluation built prompts differently; a
data check compares the stages. What the chat template writes comes from `stages.corpus.templates`.
"""

import re
from collections.abc import Sequence
from typing import cast
from unicodedata import normalize

from transformers import PreTrainedTokenizerFast
from transformers.utils.chat_template_utils import encode_marked_chat, mark_control_tokens

from stages.corpus.templates import MEND_TEMPLATE, frame_of, markup_of
from stages.lm.rows import TrainingRow
from stages.params.errors import SHORT, ParamsError
from stages.records.rows import Example

# Before a template that writes today's date: it has a day of its own, always the same.
NO_CLOCK = "{%- macro strftime_now(format) -%}1 January 2000{%- endmacro -%}"
# Two texts that a tokenizer must give back, but for the Unicode form of the second.
PROBES = ("What  is the\n    2nd Word?", "Zoë says Ça va")
BREAK = mark_control_tokens("|", re.compile(r"\|"))[0]  # where it stands, no token of `encode_marked_chat` goes across

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
    frame = frame_of(tokenizer)
    begun = openings or [""] * len(prompts)
    ends = [(frame.between, opening) if opening else (frame.opening, "") for opening in begun]
    return _tokenize(tokenizer, [(frame.before, prompt, *end) for prompt, end in zip(prompts, ends, strict=True)])


def render_rows(
    tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str], answers: Sequence[str]
) -> list[TrainingRow]:
    """Prompt and answer as one token sequence, up to the end token; the prompt is what `render_prompts` returns.

    A pair that comes again, as rows that are drawn do, is rendered once.
    """
    frame = frame_of(tokenizer)
    pairs = list(zip(prompts, answers, strict=True))
    distinct = list(dict.fromkeys(pairs))
    openings = render_prompts(tokenizer, [prompt for prompt, _ in distinct])
    texts = [(frame.before, prompt, frame.between, answer, frame.after) for prompt, answer in distinct]
    rows = {}
    for pair, opening, ids in zip(distinct, openings, _tokenize(tokenizer, texts), strict=True):
        if ids[: len(opening)] != opening:  # the answer's first letters would share a token with the prompt's last
            begun = f"{frame.opening}{BREAK}{frame.between.removeprefix(frame.opening)}"
            ids = _tokenize_apart(tokenizer, (frame.before, pair[0], begun, pair[1], frame.after))
        rows[pair] = TrainingRow(ids, len(ids) - len(opening))
    return [rows[pair] for pair in pairs]


def render_examples(tokenizer: PreTrainedTokenizerFast, examples: Sequence[Example]) -> list[TrainingRow]:
    """Each example's prompt and good answer as one row."""
    return render_rows(tokenizer, [e.prompt for e in examples], [e.answer for e in examples])


def find_markup(tokenizer: PreTrainedTokenizerFast, text: str) -> str | None:
    """The first special token or role marker of the tokenizer's chat template that stands in `text`, if any does."""
    found = markup_of(tokenizer).search(text)
    return found.group().strip() if found else None


def written_form(tokenizer: PreTrainedTokenizerFast, text: str) -> str:
    """`text`, without white space around it, as the tokenizer gives it back: some compose or replace characters.

    A character that it does not know stays as it is.
    """
    if text.isascii():
        return text
    ids = _tokenize_apart(tokenizer, ("", text))
    back = cast(str, tokenizer.decode(ids)).strip()
    return text if back == text.strip() or tokenizer.unk_token_id in ids else back


def fit_chat(tokenizer: PreTrainedTokenizerFast) -> None:
    """Give a checkpoint's tokenizer our chat template, where it has none, and the end token that closes an answer.

    That is the first special token after an answer, which need not be the one that ends a text. Where the template
    writes none, what ends a text ends an answer too. Ours begins with what begins each text of the tokenizer, if
    anything does. Raises ParamsError where nothing ends an answer, or where contents are changed.
    """
    template = _own_template(tokenizer)
    tokenizer.chat_template = template
    end, end_of_text = frame_of(tokenizer).end, cast(str | None, tokenizer.eos_token)
    if end != end_of_text:
        if "eos_token" in template:  # it means the one that the tokenizer came with
            tokenizer.chat_template = f"{{%- set eos_token = {end_of_text or ''!r} -%}}{template}"
        tokenizer.eos_token = end
    for text in PROBES:
        (row,) = render_rows(tokenizer, [text], [text])
        back = cast(str, tokenizer.decode(row.ids[-row.n_answer : -1])).strip()
        is_unknown = tokenizer.unk_token_id in row.ids and not text.isascii()
        if normalize("NFKC", back) != normalize("NFKC", text) and not is_unknown:
            raise ParamsError(
                f"the tokenizer changes what it is given: {text!r} comes back as {back!r}, so a model could not write "
                "a right answer. Give a checkpoint whose tokenizer keeps capitals, accents and white space"
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


def _own_template(tokenizer: PreTrainedTokenizerFast) -> str:
    if not tokenizer.chat_template:
        begins_each_text = tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]
        return "{{ bos_token }}" + CHAT_TEMPLATE if begins_each_text else CHAT_TEMPLATE
    try:
        template = tokenizer.get_chat_template()
    except ValueError as error:
        names = ", ".join(sorted(cast(dict[str, str], tokenizer.chat_template)))
        raise ParamsError(
            f"the tokenizer has several chat templates, {names}, and none is named default; give one that name"
        ) from error
    if not isinstance(template, str):
        raise ParamsError(f"the tokenizer's chat template is {template!r}; it must be text. {MEND_TEMPLATE}")
    return NO_CLOCK + template if "strftime_now" in template else template


def _tokenize(tokenizer: PreTrainedTokenizerFast, texts: Sequence[Sequence[str]]) -> list[list[int]]:
    """Token ids of each text, given as parts of the template, at even places, and contents between them."""
    if not texts:
        return []
    control = frame_of(tokenizer).control
    ids = tokenizer(["".join(parts) for parts in texts], add_special_tokens=False)["input_ids"]
    for i, parts in enumerate(texts):
        if any(map(control.search, parts[1::2])):
            ids[i] = _tokenize_apart(tokenizer, parts)
    return ids


def _tokenize_apart(tokenizer: PreTrainedTokenizerFast, parts: Sequence[str]) -> list[int]:
    """The same of one text, where what looks like a special token in a content becomes plain text."""
    control = frame_of(tokenizer).control
    plain = list(parts)
    for i in range(1, len(parts), 2):
        while control.search(plain[i]):
            plain[i] = control.sub(lambda found: found.group()[0] + BREAK + found.group()[1:], plain[i])
    return encode_marked_chat(tokenizer, "".join(plain))
