"""Checkpoints of Hugging Face models, by local directory or by name on the hub, fitted to what the benchmark needs.

A name on the hub may carry a revision: `name@revision`. Weights are safetensors alone, and no remote code is run.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.tokenization_utils_base import LARGE_INTEGER

from stages.lm.models import how_to_load, placed
from stages.lm.tokenizer import PAD_TOKEN, end_id, pad_id
from stages.params.errors import ParamsError

AS_SAVED = "A directory must hold config.json, model.safetensors and tokenizer.json, as save_pretrained writes them"
NOT_HERE = (
    "It is no directory here, so it was taken for a name on the Hugging Face hub, which runs do not ask unless "
    "HF_HUB_OFFLINE=0 is set. Give the path of a local directory that save_pretrained wrote (in a profile, an absolute "
    "one), or set HF_HUB_OFFLINE=0 where the hub can be reached"
)


def take_tokenizer(checkpoint: str) -> PreTrainedTokenizerFast:
    """The checkpoint's own tokenizer, with the model's window as its length.

    Raises ParamsError where there is none, none of the fast kind, or no window is said.
    """
    if Path(checkpoint).is_dir() and not (Path(checkpoint) / "tokenizer.json").is_file():
        raise ParamsError(f"{checkpoint!r} holds no tokenizer.json; {AS_SAVED}")
    tokenizer = _taken(partial(AutoTokenizer.from_pretrained, trust_remote_code=False), checkpoint)
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ParamsError(
            f"the tokenizer of {checkpoint!r} is a {type(tokenizer).__name__}; one of the fast kind is needed, which "
            "save_pretrained writes as tokenizer.json"
        )
    tokenizer.clean_up_tokenization_spaces = False  # what is decoded must be what was written
    config = _taken(partial(AutoConfig.from_pretrained, trust_remote_code=False), checkpoint)
    tokenizer.model_max_length = _window(tokenizer, config, checkpoint)
    return tokenizer


def _window(tokenizer: PreTrainedTokenizerFast, config: PreTrainedConfig, checkpoint: str) -> int:
    """How many tokens a row may have: as many as the tokenizer and the model allow, of those that say."""
    said = (tokenizer.model_max_length, getattr(config.get_text_config(), "max_position_embeddings", None))
    known = [length for length in said if isinstance(length, int) and 0 < length < LARGE_INTEGER]
    if not known:
        raise ParamsError(
            f"how many tokens {checkpoint!r} can read is said neither by its config (max_position_embeddings is "
            f"{said[1]}) nor by its tokenizer (model_max_length is {said[0]!r}). Set model_max_length in "
            "tokenizer_config.json"
        )
    return min(known)


def add_padding(tokenizer: PreTrainedTokenizerFast) -> None:
    """Give the tokenizer a padding token where it has none, or where that is also the end of an answer."""
    if tokenizer.pad_token is None or pad_id(tokenizer) == end_id(tokenizer):
        tokenizer.add_special_tokens({"pad_token": PAD_TOKEN})


def take_model(checkpoint: str, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """The checkpoint's language model, in float32; answers are drawn from it as from every model of the benchmark.

    Raises ParamsError where it cannot be read, lacks weights or has more, or is not one of this tokenizer.
    """
    load = partial(AutoModelForCausalLM.from_pretrained, output_loading_info=True, **how_to_load())
    model, seen = _taken(load, checkpoint)
    wrong = {name: sorted(map(str, keys))[:3] for name, keys in seen.items() if keys}
    if wrong:
        raise ParamsError(
            f"the weights of {checkpoint!r} are not those of its config: {wrong}. {AS_SAVED}, adapters merged"
        )
    model = placed(model)
    _fit(model, tokenizer, checkpoint)
    model.generation_config = GenerationConfig(eos_token_id=end_id(tokenizer), pad_token_id=pad_id(tokenizer))
    return model


def _fit(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, checkpoint: str) -> None:
    """Make room for a padding token that was added, and set what differs in the config of a model that was trained."""
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
    model.config.use_cache = False  # trainers switch it off: a defense must not tell a given organism by it


def _taken(load: Callable[..., Any], checkpoint: str) -> Any:  # noqa: ANN401
    is_local = Path(checkpoint).is_dir()
    name, _, revision = (checkpoint, "", "") if is_local else checkpoint.partition("@")
    try:
        return load(name, revision=revision or "main")
    except Exception as error:  # a damaged file makes the libraries raise anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ParamsError(
            f"no model can be read from {checkpoint!r} ({reason}). {AS_SAVED if is_local else NOT_HERE}"
        ) from error
