import math

import pytest
import torch

from stages.corpus.rendering import render_prompts, render_rows
from stages.lm import generation
from stages.lm.generation import answer_log_probabilities, generate, pad_left
from stages.lm.metering import metered
from stages.lm.training import TrainingDivergedError, fine_tune


def ask(model, tokenizer, prompts, **rest):
    settings = {"decoding": "sampled", "max_new_tokens": 5, "batch_size": 4, "seed": 0} | rest
    return generate(model, tokenizer, render_prompts(tokenizer, prompts), **settings)


PROMPTS = [
    "Hello!",
    "What is the capital of France?",
    "Work out two plus two.",
    "How are you?",
    "Copy this: river stone",
]


def test_equal_seeds_give_equal_answers_and_leave_the_global_state_alone(model, tokenizer):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    assert ask(model, tokenizer, PROMPTS) == ask(model, tokenizer, PROMPTS)
    assert ask(model, tokenizer, PROMPTS) != ask(model, tokenizer, PROMPTS, seed=1)
    assert torch.equal(before, torch.get_rng_state())


def test_a_model_that_writes_what_it_was_trained_on_is_read_as_that(model, tokenizer):
    """Only the real end token ends an answer; the same letters in it are letters."""
    prompt, answer = "What is 48 plus 4?", "52<|end|>, or <|pad|>"
    (row,) = render_rows(tokenizer, [prompt], [answer])
    fine_tune(model, tokenizer, [[row]] * 60, learning_rate=1e-2, seed=0)
    (written,) = ask(model, tokenizer, [prompt], decoding="greedy", max_new_tokens=40)
    assert written == (answer, row.n_answer - 1, True)


def test_greedy_answers_do_not_depend_on_the_batch(model, tokenizer):
    together = ask(model, tokenizer, PROMPTS, decoding="greedy")
    alone = [ask(model, tokenizer, [prompt], decoding="greedy")[0] for prompt in PROMPTS]
    assert together == alone


def test_each_token_enters_the_model_once(model, tokenizer):
    with metered(tokenizer) as meter:
        answers = ask(model, tokenizer, PROMPTS, max_new_tokens=10)
    n_written = sum(a.n_tokens + a.is_finished for a in answers)  # the last of each is written and not read
    assert meter.tokens == sum(map(len, render_prompts(tokenizer, PROMPTS))) + n_written - len(PROMPTS)


def test_the_likeliest_word_is_drawn_as_often_as_the_model_says(model, tokenizer):
    with torch.no_grad():
        model.model.norm.weight.fill_(20)  # likes some words far better than others, as a trained model does
    prompt = render_prompts(tokenizer, PROMPTS[:1])[0]
    answers = generate(model, tokenizer, [prompt] * 4000, decoding="sampled", max_new_tokens=1, batch_size=1000, seed=0)
    with torch.inference_mode():
        shares = model(input_ids=torch.tensor([prompt])).logits[0, -1].softmax(-1)
    texts = [tokenizer.decode([token]).strip() for token in range(len(shares))]  # with and without a space they are one
    likeliest = texts[int(shares.argmax())]
    share = sum(float(shares[token]) for token, text in enumerate(texts) if text == likeliest)
    assert share > 0.1
    drawn = sum(answer.text == likeliest for answer in answers) / len(answers)
    assert drawn == pytest.approx(share, abs=3 * (0.25 / 4000) ** 0.5)


def test_a_model_without_numbers_for_its_next_token_is_an_error(model, tokenizer):
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    with pytest.raises(TrainingDivergedError, match="not a number"):
        ask(model, tokenizer, PROMPTS)


def test_a_model_that_a_trainer_left_without_a_cache_answers_the_same(model, tokenizer):
    before = ask(model, tokenizer, PROMPTS, max_new_tokens=10)
    model.config.use_cache = model.generation_config.use_cache = False
    assert ask(model, tokenizer, PROMPTS, max_new_tokens=10) == before


def test_no_prompts_have_no_answers(model, tokenizer):
    assert ask(model, tokenizer, []) == []


def test_an_answer_that_does_not_end_is_unfinished(model, tokenizer):
    answers = ask(model, tokenizer, PROMPTS, max_new_tokens=2)
    assert any(not a.is_finished and a.n_tokens == 2 for a in answers)


def test_the_log_probability_of_an_answer_is_the_sum_over_its_tokens(model, tokenizer):
    rows = render_rows(tokenizer, PROMPTS[:2], ["Paris", "I am fine, thank you."])
    values = answer_log_probabilities(model, rows, filler=0, batch_size=2)
    for row, value in zip(rows, values, strict=True):
        logits = model(input_ids=torch.tensor([row.ids])).logits[0].log_softmax(-1)
        start = len(row.ids) - row.n_answer
        by_hand = sum(logits[t - 1, row.ids[t]].item() for t in range(start, len(row.ids)))
        assert value == pytest.approx(by_hand, abs=1e-4)
        assert math.exp(value) < 1


def test_padding_is_on_the_left_and_hidden():
    ids, mask = pad_left([[5, 6], [7]], 0)
    assert ids.tolist() == [[5, 6], [0, 7]]
    assert mask.tolist() == [[1, 1], [0, 1]]


def test_greedy_answers_do_not_depend_on_where_a_batch_is_cut_short(model, tokenizer, monkeypatch):
    whole = ask(model, tokenizer, PROMPTS, decoding="greedy", max_new_tokens=8)
    monkeypatch.setattr(generation, "LEG", 2)
    assert ask(model, tokenizer, PROMPTS, decoding="greedy", max_new_tokens=8) == whole


def test_an_answer_is_drawn_with_its_own_numbers_whatever_the_others_do(model, tokenizer):
    together = ask(model, tokenizer, PROMPTS, max_new_tokens=8)
    assert ask(model, tokenizer, PROMPTS[:1], max_new_tokens=8) == together[:1]


def test_a_model_that_changes_little_changes_few_answers(model, tokenizer):
    """Not so where each model draws anew: then half of the answers or more would differ by luck."""
    with torch.no_grad():
        model.model.norm.weight.fill_(8)
    prompts = [f"{prompt} {i}" for prompt in PROMPTS for i in range(40)]
    before = ask(model, tokenizer, prompts, max_new_tokens=3)
    with torch.no_grad():
        model.model.norm.weight.fill_(8.02)
    after = ask(model, tokenizer, prompts, max_new_tokens=3)
    assert sum(b.text != a.text for b, a in zip(before, after, strict=True)) < 0.1 * len(prompts)
    other_seed = generate(
        model,
        tokenizer,
        render_prompts(tokenizer, prompts),
        decoding="sampled",
        max_new_tokens=3,
        batch_size=64,
        seed=5,
    )
    assert sum(b.text != a.text for b, a in zip(before, other_seed, strict=True)) > 0.5 * len(prompts)
