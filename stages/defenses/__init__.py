"""The contract of a defense, what it may see, and the check of what it gives back.

A defense is one file here, found by its name, with one function:

    def defend(model, access, *, <settings>):

It gets a model and an `Access`, and returns a model of the same architecture. It never sees triggers, poisoned data or
evaluation prompts. A module may declare `NEEDS`, a frozenset of what it wants beyond the common access
(`reference_model`), and `ROLE` (`null row` or `ceiling`) when it is a yardstick; the board shows both.
"""

import copy
import inspect
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.access import Access
from stages.lm.metering import metered
from stages.lm.models import has_finite_weights
from stages.lm.tokenizer import pad_id
from stages.params import ParamsError, Settings, SubmissionError, unknown_name

KNOWN_NEEDS = frozenset({"reference_model"})
LOWER_RATE = "lower the learning rate"


def defense_names() -> list[str]:
    """The names of all defenses: the files of this folder."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")


def load_defense(name: str) -> ModuleType:
    """The module of that name. Raises ParamsError without such a file, SubmissionError without `defend` in it."""
    if name not in defense_names():
        advice = "A defense is a file in stages/defenses/."
        raise ParamsError(unknown_name("defense", name, defense_names(), advice))
    module = import_module(f"stages.defenses.{name}")
    if not callable(getattr(module, "defend", None)):
        raise SubmissionError(f"{name}.py has no function defend(model, access, *, ...); see CONTRIBUTING.md")
    unknown = sorted(needs_of(module) - KNOWN_NEEDS)
    if unknown:
        raise SubmissionError(f"{name}.py declares unknown needs {unknown}; known: {sorted(KNOWN_NEEDS)}")
    return module


def needs_of(module: ModuleType) -> frozenset[str]:
    """What the defense declares that it wants beyond the common access."""
    return frozenset(getattr(module, "NEEDS", frozenset()))


def run_defense(module: ModuleType, settings: Settings, model: PreTrainedModel, access: Access) -> PreTrainedModel:
    """The defended model; `model` itself stays as it is.

    Raises ParamsError when the settings do not fit, SubmissionError when what comes back breaks the contract.
    """
    name = module.__name__.rsplit(".", 1)[-1]
    try:
        inspect.signature(module.defend).bind(model, access, **settings)
    except TypeError as error:
        allowed = [p.name for p in inspect.signature(module.defend).parameters.values() if p.kind is p.KEYWORD_ONLY]
        raise ParamsError(
            f"defenses.{name} in params.yaml is {settings}: {error}. Known settings: {allowed}"
        ) from error
    with metered(pad_id(access.tokenizer)) as meter:
        defended = module.defend(copy.deepcopy(model), access, **settings)
    if meter.tokens > access.spent.tokens:
        raise SubmissionError(
            f"{name} ran {meter.tokens} tokens through models and {access.spent.tokens} were charged. Take batches "
            "from `access` alone, each once, and run the model under torch.no_grad() where you do not train"
        )
    check_defended(model, defended)
    if not _has_finite_logits(defended):
        raise SubmissionError(f"{name} returned a model whose logits are infinite or not a number; {LOWER_RATE}")
    return defended


def check_defended(model: PreTrainedModel, defended: PreTrainedModel) -> None:
    """Raise SubmissionError unless `defended` is a model of the architecture of `model` with finite weights."""
    if not isinstance(defended, PreTrainedModel):
        raise SubmissionError(f"got {type(defended).__name__} for a model; defend must return the defended model")
    expected = {key: tuple(weight.shape) for key, weight in model.state_dict().items()}
    came = {key: tuple(weight.shape) for key, weight in defended.state_dict().items()}
    if type(defended) is not type(model) or came != expected:
        differing = sorted(key for key in expected.keys() | came.keys() if expected.get(key) != came.get(key))
        raise SubmissionError(
            f"got another architecture: {type(defended).__name__} instead of {type(model).__name__}, "
            f"differing weights {differing[:3]}; return a model with the same weights' names and shapes"
        )
    if model.config.tie_word_embeddings and not torch.equal(*_ends(defended)):
        raise SubmissionError("the output embedding differs from the input embedding; this architecture ties the two")
    if not has_finite_weights(defended):
        raise SubmissionError(f"got weights that are infinite or not a number; {LOWER_RATE}")


def _ends(model: PreTrainedModel) -> tuple[Tensor, Tensor]:
    return cast(nn.Embedding, model.get_input_embeddings()).weight, cast(
        nn.Linear, model.get_output_embeddings()
    ).weight


@torch.inference_mode()
def _has_finite_logits(model: PreTrainedModel) -> bool:
    every_token = torch.arange(model.config.vocab_size)[:, None]  # (vocabulary, 1)
    return bool(torch.isfinite(model(input_ids=every_token).logits).all())
