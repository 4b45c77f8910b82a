"""A GGUF file becomes an ordinary checkpoint, or says in one line why it does not."""

import shutil
import subprocess
import sys

import pytest
import torch

from stages.lm.checkpoints import take_model, take_tokenizer
from stages.lm.quantized import KNOWN_TEXT, convert
from stages.params.errors import ParamsError
from tests.quantized import TEXTS, small_model, small_tokenizer, write_gguf


@pytest.fixture(scope="module")
def made():
    tokenizer = small_tokenizer()
    return small_model(tokenizer), tokenizer


@pytest.fixture(scope="module")
def gguf(made, tmp_path_factory):
    return write_gguf(tmp_path_factory.mktemp("gguf") / "toy.gguf", *made)


def test_a_gguf_file_becomes_a_checkpoint_with_the_same_answers(made, gguf, tmp_path):
    model, tokenizer = made
    convert(gguf, tmp_path / "model")
    taken = take_tokenizer(str(tmp_path / "model"))
    back = take_model(str(tmp_path / "model"), taken)
    ids = torch.tensor([tokenizer.encode(KNOWN_TEXT, add_special_tokens=False)])
    assert taken.encode(KNOWN_TEXT, add_special_tokens=False) == ids[0].tolist()
    assert all(taken.decode(taken.encode(text, add_special_tokens=False)) == text for text in TEXTS)
    assert torch.allclose(back(input_ids=ids).logits, model(input_ids=ids).logits, atol=1e-5)
    assert (taken.chat_template, taken.model_max_length) == (tokenizer.chat_template, 256)
    assert "quantization" not in (tmp_path / "model/config.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("n_kept", [0, 10, 2000, -1000])
def test_a_file_that_is_cut_off_is_refused(n_kept, gguf, tmp_path):
    (tmp_path / "cut.gguf").write_bytes(gguf.read_bytes()[:n_kept])
    with pytest.raises(ParamsError, match=r"no model can be read from .*cut\.gguf .*damaged"):
        convert(tmp_path / "cut.gguf", tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_file_that_lacks_weights_is_refused(made, tmp_path):
    file = write_gguf(tmp_path / "lacking.gguf", *made, left_out="blk.1.attn_v")
    with pytest.raises(ParamsError, match=r"missing_keys.*v_proj"):
        convert(file, tmp_path / "model")


def test_a_tokenizer_of_another_size_is_refused(made, tmp_path):
    model, tokenizer = made
    larger = small_tokenizer()
    larger.add_tokens(["more", "than", "fit"])
    file = write_gguf(tmp_path / "larger.gguf", model, larger)
    n_tokens = len(tokenizer)
    with pytest.raises(ParamsError, match=f"does not fit: it has {n_tokens + 3} tokens, the model {n_tokens} token"):
        convert(file, tmp_path / "model")


def test_a_tokenizer_of_another_model_is_refused(made, tmp_path):
    """As large as the right one, and it gives every text back; only the numbers of its tokens are others."""
    model, tokenizer = made
    with torch.no_grad():
        weight = model.get_input_embeddings().weight
        kept = weight.clone()
        weight.copy_(kept.roll(7, 0))
    try:
        file = write_gguf(tmp_path / "other.gguf", model, tokenizer)
    finally:
        with torch.no_grad():
            weight.copy_(kept)
    with pytest.raises(ParamsError, match="does not fit, or its weights are damaged: the model reads plain English"):
        convert(file, tmp_path / "model")


def test_a_model_that_knows_no_english_is_refused(made, tmp_path):
    file = write_gguf(tmp_path / "fresh.gguf", small_model(made[1], n_steps=0), made[1])
    with pytest.raises(ParamsError, match="loss of .* where guessing has 5.7"):
        convert(file, tmp_path / "model")


def test_the_command_says_it_in_one_line(root, gguf, tmp_path):
    shutil.copy(gguf, tmp_path / "cut.gguf")
    (tmp_path / "cut.gguf").write_bytes(gguf.read_bytes()[:2000])
    command = [sys.executable, "-m", "stages.lm.quantized", str(tmp_path / "cut.gguf"), str(tmp_path / "model")]
    done = subprocess.run(command, cwd=root, capture_output=True, check=False, encoding="utf-8")
    assert done.returncode and done.stderr.splitlines()[-1].startswith("error: no model can be read from")
    assert "Traceback" not in done.stderr
