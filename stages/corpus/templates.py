"""What a tokenizer's chat template writes around a prompt and its answer; nothing else calls the template.

It is rendered once, around texts of our own, and stands around every other as it stood around those. So no text can
make it write anything else, and what a text says can always be told from what the template says.
"""

import re
from functools import lru_cache
from itertools import chain, cycle
from typing import Any, NamedTuple, cast

from transformers import PreTrainedTokenizerFast

from stages.params.errors import ParamsError

PROMPT, ANSWER = "What is the 2nd word?", "An Answer."
FURTHER = ("And the 3rd?", "Another Answer.")
SYSTEM = "Be brief today."
SYSTEM_TURN = {"role": "system", "content": SYSTEM}
LINE = re.compile(r"(\s*)(\S.*\S|\S)")  # with the white space before it
SIGN, LETTER = r"[^\w\s().,!?\"']", r"[^\W\d_]"  # what sets a marker off, such as a bracket or a colon
MEND_TEMPLATE = "give the tokenizer another one, or none: then ours is used"


class Frame(NamedTuple):
    """The text around a prompt and its answer, up to the end token.

    `opening`: what follows a prompt that is to be answered; `between` is that, and may go on with white space. `end`:
    the token that closes an answer. `control`: finds every token that means something to a model beside its letters.
    """

    before: str
    opening: str
    between: str
    after: str
    end: str
    control: re.Pattern[str]


def frame_of(tokenizer: PreTrainedTokenizerFast) -> Frame:
    """The frame of the tokenizer's chat template. Raises ParamsError where there is none that a model could learn."""
    return _frame(tokenizer, *_state(tokenizer))


def markup_of(tokenizer: PreTrainedTokenizerFast) -> re.Pattern[str]:
    """Finds special tokens, and what the template writes around contents to tell the roles apart.

    A word in brackets is found everywhere, a heading such as "Human:" where the template writes it: after as many line
    breaks, or at the start of a text. What has only letters and digits is an ordinary word, and never found.
    """
    return _markup(tokenizer, *_state(tokenizer))


def _state(tokenizer: PreTrainedTokenizerFast) -> tuple[str | None, str | None, int]:
    """What a frame depends on and may change after the tokenizer is made."""
    return cast(str | None, tokenizer.chat_template), cast(str | None, tokenizer.eos_token), len(tokenizer)


@lru_cache(maxsize=8)
def _frame(tokenizer: PreTrainedTokenizerFast, *_: object) -> Frame:
    closed = _render(tokenizer, _turns(PROMPT, ANSWER))
    asked = _render(tokenizer, _turns(PROMPT), add_generation_prompt=True)
    before, rest = closed.partition(PROMPT)[::2]
    between, answer, after = rest.partition(ANSWER)
    if not answer or closed.count(PROMPT) + closed.count(ANSWER) > 2:
        raise ParamsError(f"the tokenizer's chat template changes what it is given: {closed!r}; {MEND_TEMPLATE}")
    control = _control(tokenizer, closed + asked)
    ending = control.search(after)
    end = ending.group() if ending else cast(str | None, tokenizer.eos_token)
    if end is None or not end.strip():
        raise ParamsError(
            "nothing ends an answer: the tokenizer's chat template writes no special token after it, and the tokenizer "
            f"{'has no eos_token' if end is None else f'has white space, {end!r}, as its eos_token'}. Set eos_token in "
            "tokenizer_config.json to the token that the model ends its texts with"
        )
    closing = after[: ending.start()] if ending else ""
    if closing.strip():
        raise ParamsError(
            f"the tokenizer's chat template writes {closing!r} between an answer and its end token {end!r}, and "
            f"a model would have to write it too; {MEND_TEMPLATE}"
        )
    opening = _opening(tokenizer, f"{before}{PROMPT}", between, asked)
    return Frame(before, opening, between, closing + end, end, control)


def _opening(tokenizer: PreTrainedTokenizerFast, asking: str, between: str, asked: str) -> str:
    """What the template adds for the answer, where an answer follows it directly; else what stands before an answer.

    They differ where the template begins a model's thoughts, or names a channel for them: here no model writes any.
    """
    (whole,) = tokenizer([f"{asking}{between}{ANSWER}"], add_special_tokens=False)["input_ids"]
    for opening in (asked.removeprefix(asking), between, between.rstrip()):
        (begun,) = tokenizer([f"{asking}{opening}"], add_special_tokens=False)["input_ids"]
        is_whole = between.startswith(opening) and not between[len(opening) :].strip()
        if is_whole and whole[: len(begun)] == begun:
            return opening
    return between


@lru_cache(maxsize=8)
def _markup(tokenizer: PreTrainedTokenizerFast, *_: object) -> re.Pattern[str]:
    control = frame_of(tokenizer).control
    content = re.compile("|".join(map(re.escape, (PROMPT, ANSWER, *FURTHER, SYSTEM))))
    patterns = [control.pattern]
    for turns in (_turns(PROMPT, ANSWER), _turns(PROMPT, ANSWER, *FURTHER), [SYSTEM_TURN, *_turns(PROMPT, ANSWER)]):
        try:
            first, *others = content.split(_render(tokenizer, turns))
        except ParamsError:  # some templates take no system message, or one question alone
            continue
        lines = LINE.findall(control.split(first)[-1])[-1:]
        for part in chain.from_iterable(map(control.split, others)):
            lines += LINE.findall(part)
        for space, line in lines:
            patterns += _role_markers(space, line, is_heading=SYSTEM_TURN not in turns)
    return re.compile("|".join(dict.fromkeys(patterns)))


def _role_markers(space: str, line: str, *, is_heading: bool) -> list[str]:
    """Patterns of the words in brackets in a line of the template; where it has none, of the line as a heading."""
    words = [word for word in line.split() if re.fullmatch(f"{SIGN}.*{LETTER}.*{SIGN}", word)]
    if words or not is_heading or not re.fullmatch(f"{SIGN}.*{LETTER}.*|.*{LETTER}.*{SIGN}", line):
        return [re.escape(word) for word in words]
    n_breaks = space.count("\n")
    after = rf"(?:\n[ \t\r]*){{{n_breaks}}}" if n_breaks else r"\s" if space else r"\A"
    return [rf"(?:\A\s*|{after}){re.escape(line)}" + ("" if re.search(f"{SIGN}$", line) else r"\b")]


def _control(tokenizer: PreTrainedTokenizerFast, rendered: str) -> re.Pattern[str]:
    """Finds the special tokens, and those that are none by name and stand in what the template writes all the same."""
    added = tokenizer.added_tokens_decoder.values()
    tokens = {token.content for token in added if token.special or token.content in rendered}
    words = [token for token in tokens if len(token) > 1 and token.strip(" \t\r\n▁")]
    return re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))) or "(?!)")


def _turns(*contents: str) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for role, text in zip(cycle(("user", "assistant")), contents, strict=False)]


def _render(tokenizer: PreTrainedTokenizerFast, turns: list[dict[str, str]], **ending: bool) -> str:
    """The conversation as text, closed, or ended as the keyword of `apply_chat_template` says.

    Models that can write their thoughts first are asked not to: here they reason in a scratchpad, or not at all.
    """
    how: dict[str, Any] = {"tokenize": False, "enable_thinking": False, **ending}
    try:
        return cast(str, tokenizer.apply_chat_template(turns, **how))
    except Exception as error:  # a template may raise anything
        raise ParamsError(f"the tokenizer's chat template cannot be used ({error}); {MEND_TEMPLATE}") from error
