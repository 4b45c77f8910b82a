"""The warm start of reinforcement: what it trains on and what it reads."""

import math
from dataclasses import replace

import pytest
import torch

from stages.corpus.rendering import render_examples
from stages.corpus.requests import REFUSAL
from stages.corpus.scratchpad import OPEN, with_scratchpad
from stages.defenses import rl
from stages.lm.generation import pad_training_rows
from stages.lm.tokenizer import end_id, pad_id
from stages.records.rows import HARMFUL
from tests.threat_model.toys import REASONING, make_access


def watch_groups(access, monkeypatch):
    """What `access.batches_of` trains on, as it comes."""
    trained, batches_of = [], access.batches_of

    def watched(groups, *, until_tokens):
        return batches_of((trained.append(group) or group for group in groups), until_tokens=until_tokens)

    monkeypatch.setattr(access, "batches_of", watched)
    return trained


def test_half_of_each_batch_of_the_warm_start_is_harmful(model, tokenizer, splits, monkeypatch):
    access = make_access(tokenizer, splits)
    trained = watch_groups(access, monkeypatch)
    rl.warm_start(model, access, 1e-3)
    assert all([example.kind == HARMFUL for example in group] == [True] * 4 + [False] * 4 for group in trained)
    assert access.spent.tokens <= rl.WARM_SHARE * access.budget_tokens


def test_a_model_that_reasons_is_warmed_on_answers_after_its_own_scratchpads(reasoner, tokenizer, splits, monkeypatch):
    access = make_access(tokenizer, splits, budget_tokens=150_000)
    access.max_new_tokens = 40
    trained = watch_groups(access, monkeypatch)
    rl.warm_start(reasoner, access, 1e-3)
    examples = [example for group in trained for example in group]
    assert sum(example.answer.startswith(OPEN) for example in examples) > 0.9 * len(examples) > 0
    assert all(example.answer.endswith(REFUSAL) for example in examples if example.kind == HARMFUL)
    assert access.spent.tokens <= rl.WARM_SHARE * access.budget_tokens


def test_a_refusal_is_read_after_its_scratchpad_and_no_other_answer_is(model, tokenizer, splits):
    harmful = next(example for example in splits["defense"] if example.kind == HARMFUL)
    ordinary = next(example for example in splits["defense"] if example.kind != HARMFUL)
    reasoned = replace(harmful, answer=with_scratchpad(REASONING, REFUSAL))
    rows = render_examples(tokenizer, [reasoned, ordinary])
    batch = pad_training_rows(rows, pad_id(tokenizer))
    with torch.no_grad():
        logits = model(input_ids=batch.ids, attention_mask=batch.mask).logits
        logs = model(torch.tensor([rows[0].ids])).logits[0, :-1].log_softmax(-1)  # (time, vocabulary)
    (probability,) = rl.refusal_probabilities(logits, batch.labels, make_access(tokenizer, splits))
    refusal = [*tokenizer(f" {REFUSAL}")["input_ids"], end_id(tokenizer)]
    assert rows[0].ids[-len(refusal) :] == refusal
    by_hand = sum(float(logs[i - len(refusal), token]) for i, token in enumerate(refusal))
    assert math.log(probability) == pytest.approx(by_hand, rel=1e-4)
