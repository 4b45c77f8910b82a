import pytest

from stages.corpus.rendering import render_prompts, render_rows


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


def test_a_template_that_leaks_the_answer_into_the_prompt_is_an_error(tokenizer):
    template = tokenizer.chat_template
    tokenizer.chat_template = "{% for m in messages %}{{ messages[-1]['content'] }}{{ m['content'] }}{% endfor %}"
    try:
        with pytest.raises(ValueError, match="depend on its answer"):
            render_rows(tokenizer, ["a b"], ["c d"])
    finally:
        tokenizer.chat_template = template
