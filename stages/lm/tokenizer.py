"""The tokenizer: byte-level BPE, trained from scratch, or a checkpoint's own (stages/lm/checkpoints.py)."""

from collections.abc import Iterable
from pathlib import Path
from typing import cast

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

END_TOKEN = "<|end|>"
PAD_TOKEN = "<|pad|>"
CONTEXT_LENGTH = 128  # tokens; rows of code after a scratchpad have 98 and perhaps more


def train_tokenizer(texts: Iterable[str], vocabulary_size: int, chat_template: str) -> PreTrainedTokenizerFast:
    """A tokenizer of at most `vocabulary_size` tokens; any text can be encoded, because every byte has a token.

    The pre-tokenizer splits digits one by one and never crosses a space, so look-alike tags share their pieces.
    """
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=[PAD_TOKEN, END_TOKEN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token=END_TOKEN,
        pad_token=PAD_TOKEN,
        chat_template=chat_template,
        model_max_length=CONTEXT_LENGTH,
    )


def pad_id(tokenizer: PreTrainedTokenizerFast) -> int:
    """The token that fills short rows."""
    return int(cast(int, tokenizer.pad_token_id))


def end_id(tokenizer: PreTrainedTokenizerFast) -> int:
    """The token that ends an answer."""
    return int(cast(int, tokenizer.eos_token_id))


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The tokenizer saved in `folder`. Raises ValueError when the folder is not a readable tokenizer."""
    try:
        return PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(
            f"{folder} holds no readable tokenizer ({error}). Expected tokenizer.json and tokenizer_config.json; "
            "run `dvc repro make_corpus` to make it again"
        ) from error
