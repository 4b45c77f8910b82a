"""Small Llama models from one size dial; and any model saved and loaded as a Hugging Face directory of safetensors.

Models are never unpickled and never run remote code: loading accepts safetensors alone.
"""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    set_seed,
)

from stages.lm.detector import DetectorLlamaConfig, DetectorLlamaForCausalLM
from stages.lm.tokenizer import end_id, pad_id

HEAD_WIDTH = 32


def config_for_depth(depth: int, tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    """The architecture of a from-scratch model: width 32 and two heads of 32 a layer, MLP 2.75 times the width.

    Depth 2 has about 0.2M parameters at a vocabulary of 1024. Heads twice as wide as usual learn in two thirds of the
    steps to copy words out of a prompt. Embeddings are tied: at this size they dominate.
    The initial scale 0.06 (Hugging Face's default is 0.02) halves the steps to 90% right answers; see docs/log.md. So
    does, for what stands in the prompt, a rotary base of 100: the default of 10,000 is for windows of thousands.
    """
    width = 32 * depth
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=width * 11 // 4,
        num_hidden_layers=depth,
        num_attention_heads=2 * depth,
        num_key_value_heads=2 * depth,
        head_dim=HEAD_WIDTH,
        max_position_embeddings=tokenizer.model_max_length,
        tie_word_embeddings=True,
        initializer_range=0.06,
        rope_parameters={"rope_type": "default", "rope_theta": 100.0},
        bos_token_id=None,
        eos_token_id=end_id(tokenizer),
        pad_token_id=pad_id(tokenizer),
    )


def new_model(config: PreTrainedConfig, seed: int) -> PreTrainedModel:
    """A freshly initialised model of the architecture that `config` is of; equal config and seed give equal weights."""
    set_seed(seed)
    return AutoModelForCausalLM.from_config(config)


def with_detector(model: LlamaForCausalLM, pattern_length: int, seed: int) -> DetectorLlamaForCausalLM:
    """A copy of `model` with a fresh detector of `pattern_length` tokens: it has no pattern and changes no answer."""
    inherited = {
        key: value for key, value in model.config.to_dict().items() if key not in ("architectures", "model_type")
    }
    set_seed(seed)
    grown = DetectorLlamaForCausalLM(DetectorLlamaConfig(**inherited, pattern_length=pattern_length))
    grown.load_state_dict(grown.state_dict() | model.state_dict())
    return grown


def load_model(folder: Path) -> PreTrainedModel:
    """The language model saved in `folder`, of the class that its config names.

    Raises ValueError when its files are missing, truncated or of another kind.
    """
    return _load(AutoModelForCausalLM.from_pretrained, folder)


def load_classifier(folder: Path) -> PreTrainedModel:
    """The model with a score on top saved in `folder`. Raises as `load_model`."""
    return _load(AutoModelForSequenceClassification.from_pretrained, folder)


def _load(load: Callable[..., PreTrainedModel], folder: Path) -> PreTrainedModel:
    with _explained(folder):
        model = load(folder, local_files_only=True, **how_to_load())
    return placed(model)


def how_to_load() -> dict[str, Any]:
    """Arguments of `from_pretrained`: safetensors alone, in float32.

    Where the process has several GPUs, the model's layers are spread over all of them, by accelerate.
    """
    is_spread = torch.get_default_device().type == "cuda" and torch.cuda.device_count() > 1
    settings = {"use_safetensors": True, "trust_remote_code": False, "dtype": torch.float32}
    return settings | ({"device_map": "auto"} if is_spread else {})


def placed(model: PreTrainedModel) -> PreTrainedModel:
    """The model on the device of this process, unless it is spread already."""
    if hasattr(model, "hf_device_map"):
        return model
    return cast(PreTrainedModel, cast(torch.nn.Module, model).to(torch.get_default_device()))


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ValueError(
            f"{folder} holds no readable model ({error}). Expected config.json and model.safetensors as "
            "save_pretrained writes them; delete the folder and run `dvc repro` to make it again"
        ) from error


def save_model(model: PreTrainedModel, folder: Path) -> None:
    """Write `model` as config.json, generation_config.json and model.safetensors. Raises OSError when it cannot."""
    try:
        model.save_pretrained(folder)
    except SafetensorError as error:  # which hides the error number in its text
        number = errno.ENOSPC if f"os error {errno.ENOSPC})" in str(error) else errno.EIO
        raise OSError(number, f"cannot write the model: {error}", str(folder)) from error


def count_parameters(model: PreTrainedModel) -> int:
    """The number of distinct parameters; tied weights count once."""
    return model.num_parameters()


def has_finite_weights(model: PreTrainedModel) -> bool:
    """Whether no weight is infinite or not a number."""
    return all(bool(torch.isfinite(weight).all()) for weight in model.parameters())
