"""What a defense gets only if its file declares that it needs it: a judge, or the model before the backdoor.

Each is read from disk when it is first used. Where that fails, the fault is the harness's and not the defense's.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from transformers import PreTrainedModel

from stages.scoring.judges import Judge

Loaded = TypeVar("Loaded")


class HarnessError(RuntimeError):
    """Something that a defense is given could not be read: a fault of the harness, not of the defense."""


class OnNeed(NamedTuple):
    """One function a need, named as it; each loads what the need stands for."""

    reference_model: Callable[[], PreTrainedModel]
    judge: Callable[[], Judge]


def load_given(name: str, load: Callable[[], Loaded]) -> Loaded:
    """What `load` returns. Raises HarnessError where it fails, whatever the reason."""
    try:
        return load()
    except Exception as error:
        raise HarnessError(f"the {name} cannot be read: {error}") from error
