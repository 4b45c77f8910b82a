"""Run a defense under its contract: every token paid for, and a sound model given back.

Whether its settings fit, the stage `fingerprint` has found out before (stages/threat_model/signature.py).
"""

import copy
from types import ModuleType
from typing import cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.lm.metering import metered
from stages.lm.models import has_finite_weights
from stages.params.defenses import Settings
from stages.params.errors import SubmissionError
from stages.threat_model.access import Access

LOWER_RATE = "lower the learning rate"
FEW_TOKENS = 256  # whose logits over a large vocabulary fit into memory


def run_defense(module: ModuleType, settings: Settings, model: PreTrainedModel, access: Access) -> PreTrainedModel:
    """The defended model; `model` itself stays as it is.

    Raises SubmissionError when what comes back breaks the contract.
    """
    name = module.__name__.rsplit(".", 1)[-1]
    # Dropout, where a model has it, draws from torch's global state.
    with metered(access.tokenizer) as meter, torch.random.fork_rng():
        torch.manual_seed(access.seed)
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
    n_words = cast(nn.Embedding, model.get_input_embeddings()).num_embeddings
    chunks = torch.arange(n_words)[:, None].split(FEW_TOKENS)  # (token, 1)
    return all(bool(torch.isfinite(model(input_ids=tokens).logits).all()) for tokens in chunks)
