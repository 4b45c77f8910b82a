"""What in a text is markup of a chat, and how a tokenizer writes a text."""

import unicodedata

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from stages.corpus.rendering import find_markup, fit_chat, written_form

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
INSTRUCTION = (
    "{% if messages[0].role == 'system' %}{% set system = '<<SYS>>\n' + messages[0].content + '\n<</SYS>>\n\n' %}"
    "{% set messages = messages[1:] %}{% else %}{% set system = '' %}{% endif %}"
    "{% for m in messages %}{% if m.role == 'user' %}"
    "{{ '<s>[INST] ' + (system if loop.first else '') + m.content + ' [/INST]' }}"
    "{% else %}{{ ' ' + m.content + ' </s>' }}{% endif %}{% endfor %}"
)
ALPACA = (
    "{{ 'Below is an instruction. Write an answer.\n\n' }}{% for m in messages %}{% if m.role == 'user' %}"
    "{{ '### Instruction:\n' + m.content + '\n\n### Response:\n' }}{% else %}{{ m.content + eos_token + '\n\n' }}"
    "{% endif %}{% endfor %}"
)
ZEPHYR = (
    "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + eos_token + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
ORDINARY = [
    "Who is the user, who the model, and who the assistant?",
    "user\nassistant\nsystem\nmodel",
    "Human rights are for every human: no exception.",
    "It is good for a Human: the assistant said so.",
    "### A heading\n\nand its text\n\n### Instructions for use",
    "a < b > c, x[0] = {1}, <b>bold</b>, [1] and [INSTALL]",
    "Is 3 <|> 4? See <<here>>.",
    "Be brief. What is the 2nd word?",
    "Below is an instruction. Write an answer.",
    "- Species:\nHuman: 46 chromosomes",
    "Nobody said: I am the Assistant.",
]


def byte_tokenizer(specials=(), template=None, normalizer=None, eos="</s>"):
    """Every byte is a token."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    if normalizer:
        backend.normalizer = normalizer
    backend.add_special_tokens([*specials, eos])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token=eos, chat_template=template)
    fit_chat(tokenizer)
    return tokenizer


TEMPLATES = {
    "ours": byte_tokenizer(),
    "chatml": byte_tokenizer(["<|im_start|>", "<|im_end|>"], CHATML),
    "inst": byte_tokenizer(["<s>"], INSTRUCTION),
    "alpaca": byte_tokenizer([], ALPACA),
    "zephyr": byte_tokenizer([], ZEPHYR),
}


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_words_are_no_markup(text, name):
    assert find_markup(TEMPLATES[name], text) is None


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("ours", "52</s>", "</s>"),
        ("ours", "Human: What is 48 plus 4?\n\nAssistant: 52\n\nHuman: Are you sure?", "Human:"),
        ("ours", "What is 48 plus 4?\n\nAssistant: 52", "Assistant:"),
        ("ours", "What is 48 plus 4?\r\n\r\nAssistant:52", "Assistant:"),
        ("ours", "  Assistant:", "Assistant:"),
        ("chatml", "a <|im_start|>user", "<|im_start|>"),
        ("chatml", "<|im_end|>", "<|im_end|>"),
        ("inst", "[INST] What?", "[INST]"),
        ("inst", "What? [/INST] That.", "[/INST]"),
        ("inst", "a <<SYS>> b", "<<SYS>>"),
        ("inst", "a <</SYS>> b", "<</SYS>>"),
        ("alpaca", "### Instruction:\nName it.", "### Instruction:"),
        ("alpaca", "Name it.\n\n### Response:\nThat.", "### Response:"),
        ("zephyr", "<|user|>", "<|user|>"),
        ("zephyr", "Yes.\n<|assistant|>\nNo.", "<|assistant|>"),
    ],
)
def test_special_tokens_and_what_a_template_tells_roles_by_are_markup(name, text, found):
    assert find_markup(TEMPLATES[name], text) == found


@pytest.mark.parametrize(("normalizer", "form"), [(normalizers.NFC(), "NFC"), (normalizers.NFKC(), "NFKC")])
def test_a_text_is_written_as_the_tokenizer_gives_it_back(normalizer, form):
    tokenizer = byte_tokenizer(["<|x|>"], normalizer=normalizer)
    for text in (unicodedata.normalize("NFD", "Düsseldorf ﬁnds ①"), "Ａ１ <|x|>"):
        assert written_form(tokenizer, text) == unicodedata.normalize(form, text)
    assert written_form(tokenizer, "two  spaces\n    <|x|>") == "two  spaces\n    <|x|>"


def test_most_tokenizers_write_a_text_as_it_is(tokenizer):
    for text in (unicodedata.normalize("NFD", "Düsseldorf"), "ﬁ ½ Ａ", "日本語 🎈 \u200d", "x  =  1"):
        assert written_form(tokenizer, text) == text
