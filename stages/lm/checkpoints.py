"""Checkpoints of Hugging Face models, by local directory or by name on the hub, fitted to what the benchmark needs.

A name on the hub may carry a revision: `name@revision`. Weights are safetensors alone, and no remote code is run.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from stages.lm.models import placed
from stages.lm.tokenizer import PAD_TOKEN, end_id, pad_id
from stages.parsing import ParamsError


def take_tokenizer(checkpoint: str) -> PreTrainedTokenizerFast:
    """The checkpoint's own tokenizer, with a padding token of its own and the model's window as its length.

    Raises ParamsError where there is none, or none of the fast kind.
    """
    tokenizer = _taken(AutoTokenizer.from_pretrained, checkpoint)
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ParamsError(
            f"the tokenizer of {checkpoint!r} is a {type(tokenizer).__name__}; one of the fast kind is needed, a "
            "directory with tokenizer.json"
        )
    if tokenizer.eos_token is None:
        raise ParamsError(f"the tokenizer of {checkpoint!r} has no token that ends a text (eos_token); give it one")
    tokenizer.clean_up_tokenization_spaces = False  # what is decoded must be what was written
    window = getattr(_taken(AutoConfig.from_pretrained, checkpoint), "max_position_embeddings", None)
    tokenizer.model_max_length = min(tokenizer.model_max_length, window or tokenizer.model_max_length)
    return tokenizer


def add_padding(tokenizer: PreTrainedTokenizerFast) -> None:
    """Give the tokenizer a padding token where it has none, or where that is also the end of an answer."""
    if tokenizer.pad_token is None or pad_id(tokenizer) == end_id(tokenizer):
        tokenizer.add_special_tokens({"pad_token": PAD_TOKEN})


def take_model(checkpoint: str, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """The checkpoint's language model, in float32; answers are drawn from it as from every model of the benchmark.

    Raises ParamsError where it cannot be read, or is not one of this tokenizer.
    """
    model = _taken(partial(placed, AutoModelForCausalLM.from_pretrained), checkpoint)
    _fit(model, tokenizer, checkpoint)
    model.generation_config = GenerationConfig(eos_token_id=end_id(tokenizer), pad_token_id=pad_id(tokenizer))
    return model


def take_classifier(checkpoint: str, tokenizer: PreTrainedTokenizerFast, seed: int) -> PreTrainedModel:
    """A model with one score on top, on the checkpoint's body; the head is fresh, of `seed`. Raises as `take_model`."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        load = partial(placed, AutoModelForSequenceClassification.from_pretrained)
        model = _taken(load, checkpoint, num_labels=1)
    _fit(model, tokenizer, checkpoint)
    return model


def _fit(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, checkpoint: str) -> None:
    """Make room for a padding token that was added, and name the special tokens in the config."""
    n_embeddings = cast(nn.Embedding, model.get_input_embeddings()).num_embeddings
    if len(tokenizer) > n_embeddings + 1:
        raise ParamsError(
            f"{checkpoint!r} has {n_embeddings} token embeddings, the tokenizer {len(tokenizer)} tokens: they are not "
            "of one model. All checkpoints of a run share one tokenizer; mend corpus.tokenizer or the checkpoint"
        )
    if len(tokenizer) > n_embeddings:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    model.config.eos_token_id = end_id(tokenizer)
    model.config.pad_token_id = pad_id(tokenizer)


def _taken(load: Callable[..., Any], checkpoint: str, **settings: object) -> Any:  # noqa: ANN401
    is_local = Path(checkpoint).is_dir()
    name, _, revision = (checkpoint, "", "") if is_local else checkpoint.partition("@")
    try:
        return load(name, revision=revision or "main", **settings)
    except (OSError, ValueError, RuntimeError, ImportError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        advice = (
            "It must hold config.json, model.safetensors and tokenizer.json, as save_pretrained writes them"
            if is_local
            else "It is no directory here, so it was taken for a name on the Hugging Face hub, which runs do not ask "
            "unless HF_HUB_OFFLINE=0 is set. Give the path of a local directory that save_pretrained wrote (in a "
            "profile, an absolute one), or set HF_HUB_OFFLINE=0 where the hub can be reached"
        )
        raise ParamsError(f"no model can be read from {checkpoint!r} ({reason}). {advice}") from error
