"""Write the model of a GGUF file as a directory of safetensors: `python -m stages.lm.quantized FILE FOLDER`.

A GGUF file keeps its weights in a few bits each, and its tokenizer beside them. What is written has them in float32, as
the file rounds them, and is an ordinary checkpoint from then on (stages/lm/checkpoints.py).

Source: transformers' own loader of such files; https://huggingface.co/docs/transformers/gguf
"""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from stages.lm.checkpoints import take_model, take_tokenizer
from stages.params.errors import ParamsError

# What a model of English has read often. One that reads it through tokens of another model finds it strange.
KNOWN_TEXT = "The capital of France is Paris. The sky is blue, and the grass is green. One, two, three, four, five."
MOST_OF_GUESSING = 0.5  # of the loss of guessing among all tokens; SmolLM2-135M-Instruct has 0.2


def convert(file: Path, folder: Path) -> None:
    """Write model and tokenizer of a GGUF file into `folder`.

    Raises ParamsError where the file is damaged or holds another kind of model, or where its tokenizer does not fit.
    """
    source = {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name}
    load = AutoModelForCausalLM.from_pretrained
    model, seen = _read(file, lambda: load(**source, dtype=torch.float32, output_loading_info=True))
    wrong = {name: sorted(map(str, keys))[:3] for name, keys in seen.items() if keys}
    if wrong:
        raise ParamsError(f"the weights in {file} are not those of its model: {wrong}. Fetch the file again")
    tokenizer = _read(file, lambda: AutoTokenizer.from_pretrained(**source))
    require_fit(file, model, tokenizer)
    # The weights are quantized no more; a model that says so cannot be saved.
    model.hf_quantizer = None
    del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    take_model(str(folder), take_tokenizer(str(folder)))  # as the benchmark takes it


def require_fit(file: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Raise ParamsError unless the tokenizer is the one that the model was trained with."""
    n_embeddings = cast(nn.Embedding, model.get_input_embeddings()).num_embeddings
    if len(tokenizer) != n_embeddings:
        raise ParamsError(
            f"the tokenizer in {file} does not fit: it has {len(tokenizer)} tokens, the model {n_embeddings} token "
            "embeddings. They are not of one model; take a file whose maker kept both together"
        )
    ids = tokenizer(KNOWN_TEXT, return_tensors="pt", add_special_tokens=False)["input_ids"]
    if tokenizer.decode(ids[0]) != KNOWN_TEXT:
        raise ParamsError(
            f"the tokenizer in {file} does not fit: it gives {KNOWN_TEXT!r} back as {tokenizer.decode(ids[0])!r}. "
            "Only one that keeps every letter can be used; take another file"
        )
    with torch.inference_mode():
        loss = model(input_ids=ids, labels=ids).loss.item()
    guessing = math.log(n_embeddings)
    if not loss <= MOST_OF_GUESSING * guessing:  # also where it is not a number
        raise ParamsError(
            f"the tokenizer in {file} does not fit, or its weights are damaged: the model reads plain English with a "
            f"loss of {loss:.1f} nats a token, where guessing has {guessing:.1f} and at most half of that is allowed. "
            "Fetch the file again, or take another"
        )


def _read(file: Path, load: Callable[[], Any]) -> Any:  # noqa: ANN401
    try:
        return load()
    except Exception as error:  # a damaged file makes the libraries raise anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ParamsError(
            f"no model can be read from {file} ({reason}). It is damaged, or no GGUF file of a family that the "
            "installed transformers knows. Fetch it again"
        ) from error


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, convert."""
    parser = argparse.ArgumentParser(prog="python -m stages.lm.quantized", description=__doc__)
    parser.add_argument("file", type=Path, help="a GGUF file with a language model and its tokenizer")
    parser.add_argument("folder", type=Path, help="where the directory of safetensors is written")
    args = parser.parse_args(argv)
    try:
        convert(args.file, args.folder)
    except ParamsError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
