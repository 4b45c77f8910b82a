"""Checkpoints of two other families, as their makers would save them: no hub can be reached from a test."""

from collections.abc import Sequence
from pathlib import Path

from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPT2Tokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
    set_seed,
)
from transformers.models.qwen2 import Qwen2Tokenizer

# ChatML, with the system prompt that Qwen's own template adds unasked, and its line breaks.
QWEN_TEMPLATE = (
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}"
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
VOCABULARY_SIZE = 900


def save_gpt2(folder: Path, texts: Sequence[str], width: int = 32) -> Path:
    """A GPT-2 without a padding token or a chat template; an end of text is all that it has."""
    tokenizer = GPT2Tokenizer().train_new_from_iterator(texts, VOCABULARY_SIZE, show_progress=False)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=width,
        n_layer=2,
        n_head=2,
        n_positions=256,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        initializer_range=0.06,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    set_seed(0)
    return _save(GPT2LMHeadModel(config), tokenizer, folder)


def save_qwen(folder: Path, texts: Sequence[str], width: int = 32) -> Path:
    """A Qwen 3 with a chat template of its own, and, as its maker saves it, an end of text that ends no answer."""
    special = ["<|im_start|>", "<|im_end|>"]
    tokenizer = Qwen2Tokenizer().train_new_from_iterator(
        texts, VOCABULARY_SIZE, new_special_tokens=special, show_progress=False
    )
    tokenizer.chat_template = QWEN_TEMPLATE
    config = Qwen3Config(
        vocab_size=len(tokenizer) + 20,  # room that no token has, as in Qwen's own
        hidden_size=width,
        intermediate_size=width * 11 // 4,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.06,
    )
    set_seed(0)
    model = Qwen3ForCausalLM(config)
    model.generation_config.update(do_sample=True, temperature=0.6, top_k=20, repetition_penalty=1.05)
    return _save(model, tokenizer, folder)


def _save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


FAMILIES = {"gpt2": save_gpt2, "qwen": save_qwen}
