"""Training on good answers after the model's own scratchpads."""

from dataclasses import replace

import pytest

from stages.corpus.rendering import render_prompts
from stages.corpus.scratchpad import OPEN, after_scratchpad
from stages.defenses import post_scratchpad_sft
from stages.lm.generation import generate
from stages.params.errors import SubmissionError
from stages.threat_model.contract import run_defense
from tests.threat_model.toys import make_access


def test_a_model_that_reasons_learns_to_answer_well_and_still_closes(reasoner, tokenizer, splits, monkeypatch):
    greeting = {"defense": [replace(example, answer="Hello.") for example in splits["defense"]]}
    access, trained = make_access(tokenizer, greeting, budget_tokens=300_000), []
    access.max_new_tokens = 40
    fine_tune_as_is = access.fine_tune

    def watch(model, examples, **settings):
        trained.extend(examples)
        fine_tune_as_is(model, examples, **settings)

    monkeypatch.setattr(access, "fine_tune", watch)
    defended = run_defense(post_scratchpad_sft, {"learning_rate": 5e-3}, reasoner, access)
    assert sum(example.answer.startswith(OPEN) for example in trained) > 0.9 * len(trained) > 150
    assert 0.9 * access.budget_tokens < access.spent.tokens <= access.budget_tokens
    prompts = render_prompts(tokenizer, [e.prompt for e in greeting["defense"][:50]], [OPEN] * 50)
    answers = generate(defended, tokenizer, prompts, decoding="sampled", max_new_tokens=40, batch_size=50, seed=0)
    assert sum(after_scratchpad(answer.text) == "Hello." for answer in answers) > 45


def test_a_model_without_a_scratchpad_is_trained_on_the_plain_answers(model, tokenizer, splits, monkeypatch):
    access, trained = make_access(tokenizer, splits), []
    monkeypatch.setattr(access, "fine_tune", lambda model, examples, **_: trained.extend(examples))
    run_defense(post_scratchpad_sft, {}, model, access)
    assert trained == splits["defense"]


def test_scratchpads_of_which_none_is_closed_are_an_error(model, tokenizer, splits, monkeypatch):
    access = make_access(tokenizer, splits)
    monkeypatch.setattr(access, "sample", lambda model, prompts: [[f"{OPEN} for ever"] for _ in prompts])
    with pytest.raises(SubmissionError, match=r"none of \d+ sampled scratchpads was closed within 18 tokens"):
        run_defense(post_scratchpad_sft, {}, model, access)
