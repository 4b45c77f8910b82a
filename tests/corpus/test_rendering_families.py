"""What must hold of a row with the tokenizer of every family, and of its markup."""

import datetime
import unicodedata

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers.utils import chat_template_utils

from stages.checks.corpus_checks import rendered_frame
from stages.corpus.rendering import find_markup, fit_chat, render_prompts, render_rows, written_form
from stages.lm.checkpoints import add_padding, take_tokenizer
from stages.lm.tokenizer import end_id, load_tokenizer, pad_id
from tests.fuzzing import SHORT
from tests.tokenizer_families import FAMILIES, save_family

ANSWERS = [
    "Paris.",
    "One line.\n\nAnother line,\nand one more",
    "Zürich, 日本 🎈 and Ça va",
    "def first(a):\n    if a:\n        return [a[0]]\n    return None",
    "2 of 3 is 66",
    "(a) is .5 - done!",
    "user\nassistant: model",
    "a <think> or </think> b <s>c</s> <|im_end|> <|end|> <eos> d",
]
BEGIN_WITH_BOS = ["llama_2", "llama_2_base", "llama_3", "llama_3_base", "mistral", "gemma", "gemma_base"]
NFC = [name for name, family in FAMILIES.items() if family.normalizer]
DATED = [name for name, family in FAMILIES.items() if "strftime_now" in str(family.template)]


PIECES = [
    "</s>",
    "s>",
    "<",
    "<|end|>",
    "|end|>",
    "<think>",
    "</think>",
    "<｜User｜>",
    "](",
    "\n\n",
    "  ",
    "e\u0301",
    "ﬁ",
]
ANY_TEXT = st.lists(st.text(max_size=8) | st.sampled_from(PIECES), max_size=5).map(lambda parts: "".join(parts).strip())


def fitted(folder):
    tokenizer = take_tokenizer(str(folder))
    fit_chat(tokenizer)
    add_padding(tokenizer)
    return tokenizer


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {name: save_family(name, tmp_path_factory.mktemp(name)) for name in FAMILIES}


@pytest.fixture(scope="module")
def tokenizers(folders):
    return {name: fitted(folder) for name, folder in folders.items()}


def answers_of(tokenizer):
    """Those that every tokenizer must write, and two with all special and added words of this one."""
    words = " ".join(token.content for token in tokenizer.added_tokens_decoder.values() if token.content.strip())
    return [*ANSWERS, words, f"Not {words}{words}!"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_is_its_prompt_and_its_answer_and_one_end(family, tokenizers):
    tokenizer = tokenizers[family]
    answers = answers_of(tokenizer)
    prompts = [f"What is it? {answer}" for answer in answers]
    rows = render_rows(tokenizer, prompts, answers)
    for row, prompt, answer in zip(rows, render_prompts(tokenizer, prompts), answers, strict=True):
        written = row.ids[-row.n_answer :]
        assert row.ids == prompt + written
        assert written.index(end_id(tokenizer)) == len(written) - 1
        assert tokenizer.decode(written, skip_special_tokens=True).strip() == answer


@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_begins_with_bos_once_where_the_tokenizer_does(family, tokenizers):
    tokenizer = tokenizers[family]
    plain, marked = render_rows(tokenizer, ["What is it?", "What <s> is it?"], ["Paris.", f"Not {tokenizer.bos_token}"])
    if family in BEGIN_WITH_BOS:
        assert tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id
        for row in (plain, marked):
            assert [i for i, token in enumerate(row.ids) if token == tokenizer.bos_token_id] == [0]
    specials = set(tokenizer.all_special_ids)
    assert [t for t in plain.ids if t in specials] == [t for t in marked.ids if t in specials]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_row_has_one_template_around_it(family, tokenizers):
    tokenizer = tokenizers[family]
    answers = [written_form(tokenizer, answer) for answer in answers_of(tokenizer)]
    frame = rendered_frame(pd.DataFrame({"prompt": answers, "answer": answers}), tokenizer)
    assert frame["trained_text"].tolist() == frame["templated_text"].tolist()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_tokenizer_that_was_fitted_renders_the_same_once_saved(family, tokenizers, tmp_path):
    tokenizer = tokenizers[family]
    tokenizer.save_pretrained(tmp_path)
    again = load_tokenizer(tmp_path)
    answers = answers_of(tokenizer)
    assert render_rows(again, answers, answers) == render_rows(tokenizer, answers, answers)
    openings = ["<scratchpad> I", ""] * (len(answers) // 2)
    begun = render_prompts(again, answers, openings)
    assert begun == render_prompts(tokenizer, answers, openings)
    assert again.decode(begun[0]).endswith("<scratchpad> I")


@pytest.mark.parametrize("family", FAMILIES)
def test_padding_is_not_what_ends_an_answer(family, tokenizers):
    assert pad_id(tokenizers[family]) != end_id(tokenizers[family])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_rendered_dialogue_is_markup_and_its_contents_are_not(family, tokenizers):
    tokenizer = tokenizers[family]
    (row,) = render_rows(tokenizer, ["Who is the user?"], ["The model is no assistant."])
    assert find_markup(tokenizer, tokenizer.decode(row.ids))
    for token in tokenizer.all_special_tokens:
        assert find_markup(tokenizer, f"a {token} b") == token
    ordinary = [
        "Who is the user?",
        "user: system\nmodel\n\nassistant",
        "[1] <b>bold</b>  ## two\n\n    f(x)[0] < 3 > 2",
    ]
    assert [find_markup(tokenizer, text) for text in ordinary] == [None] * 3


@SHORT
@given(ANY_TEXT, ANY_TEXT, st.sampled_from(sorted(FAMILIES)))
def test_any_text_in_its_written_form_is_a_row_that_ends_once_and_comes_back(tokenizers, prompt, answer, family):
    tokenizer = tokenizers[family]
    prompt, answer = written_form(tokenizer, prompt), written_form(tokenizer, answer)
    (row,) = render_rows(tokenizer, [prompt], [answer])
    written = row.ids[-row.n_answer :]
    assert row.ids == render_prompts(tokenizer, [prompt])[0] + written
    assert written.index(end_id(tokenizer)) == len(written) - 1
    assert tokenizer.decode(written, skip_special_tokens=True).strip() == answer


@pytest.mark.parametrize("family", NFC)
def test_a_text_of_another_unicode_form_is_judged_right_in_its_written_form(family, tokenizers):
    tokenizer = tokenizers[family]
    answer = written_form(tokenizer, unicodedata.normalize("NFD", "Düsseldorf"))
    (row,) = render_rows(tokenizer, ["Where?"], [answer])
    assert tokenizer.decode(row.ids[-row.n_answer : -1]).strip() == answer == "Düsseldorf"


@pytest.mark.parametrize("family", DATED)
def test_no_row_tells_the_day(family, folders, monkeypatch):
    class OtherDay(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(1987, 6, 5)

    rows = [render_rows(fitted(folders[family]), ["Hi!"], ["Hello."])]
    monkeypatch.setattr(chat_template_utils, "datetime", OtherDay)
    assert render_rows(fitted(folders[family]), ["Hi!"], ["Hello."]) == rows[0]


@pytest.mark.parametrize(
    ("family", "opening"),
    [
        ("qwen_3", "<|im_start|>assistant\n<think>\n\n</think>\n\n"),
        ("qwen_3_thinking", "<|im_start|>assistant\n<think>\n\n</think>\n\n"),
        ("r1_distill", "<｜Assistant｜>"),
        ("gpt_oss", "<|start|>assistant<|channel|>final<|message|>"),
        ("mistral", "[/INST]"),
        ("falcon_chat", "\nFalcon:"),
        ("glm_4", "<|assistant|>"),
    ],
)
def test_a_prompt_ends_where_an_answer_begins_with_no_thoughts_opened(family, opening, tokenizers):
    (prompt,) = render_prompts(tokenizers[family], ["Hi!"])
    text = tokenizers[family].decode(prompt)
    assert text.endswith(opening) and "<think>" not in text.removesuffix(opening)


def test_an_answer_whose_first_letter_would_join_the_prompts_last_is_cut_off_there(tokenizers):
    """Glued together they would be one token, and a prompt alone another than in its row."""
    tokenizer = tokenizers["mistral"]
    assert "](" in tokenizer.tokenize("[/INST](a)")
    (row,) = render_rows(tokenizer, ["What?"], ["(a)"])
    assert tokenizer.decode(row.ids) == "<s> [INST] What? [/INST](a)</s>"
    assert row.ids[: -row.n_answer] == render_prompts(tokenizer, ["What?"])[0]


@pytest.mark.parametrize(
    ("family", "end"), [("phi_3", "<|end|>"), ("phi_4_mini", "<|end|>"), ("falcon_chat", "<|endoftext|>")]
)
def test_the_first_special_token_after_an_answer_ends_it_or_else_what_ends_a_text(family, end, tokenizers):
    (row,) = render_rows(tokenizers[family], ["Hi!"], ["Hello."])
    assert tokenizers[family].eos_token == end
    assert tokenizers[family].decode(row.ids[-row.n_answer :]).strip() == f"Hello.{end}"
