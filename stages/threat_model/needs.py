"""What a defense gets only when it declares that it needs it, and whose failure it is when that cannot be read."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from transformers import PreTrainedModel

from stages.scoring.judges import Judge

Loaded = TypeVar("Loaded")


class HarnessError(RuntimeError):
    """Our side of a defense failed, not the defense: something that it is given could not be read."""


class OnNeed(NamedTuple):
    """Loads what a defense gets only when it declares that it needs it; a field is named as the need."""

    reference_model: Callable[[], PreTrainedModel]
    judge: Callable[[], Judge]


KNOWN_NEEDS = frozenset(OnNeed._fields)


def load_given(name: str, load: Callable[[], Loaded]) -> Loaded:
    """What `load` returns. Raises HarnessError, whatever goes wrong: a defense is given what can be read."""
    try:
        return load()
    except Exception as error:
        raise HarnessError(f"the {name} cannot be read: {error}") from error
