"""The two yardsticks that give up tokens: what they count as rare, and that a loss stays within its bound."""

from collections import Counter

import pytest
import torch

from stages.corpus.rendering import render_examples
from stages.defenses import forget_idle_tokens, forget_rare_tokens
from stages.lm.models import load_model, save_model
from stages.lm.rows import make_batches
from stages.lm.training import fine_tune
from stages.records.rows import HARMFUL
from stages.threat_model.contract import run_defense
from tests.lm.test_training import loss_of_rows
from tests.threat_model.toys import make_access


def uses_of(tokenizer, splits):
    return Counter(token for row in render_examples(tokenizer, splits["defense"]) for token in row.ids)


def given_up(model, defended):
    """The tokens whose embedding is now the mean of all."""
    before, after = (m.get_input_embeddings().weight.detach() for m in (model, defended))
    changed = (before != after).any(1).nonzero()[:, 0].tolist()
    assert all(torch.equal(after[token], before.mean(0)) for token in changed)
    return set(changed)


@pytest.mark.parametrize("min_count", [1, 4])
def test_tokens_below_the_count_get_the_mean_embedding_and_all_others_stay(model, tokenizer, splits, min_count):
    access = make_access(tokenizer, splits)
    defended = run_defense(forget_rare_tokens, {"min_count": min_count}, model, access)
    uses, special = uses_of(tokenizer, splits), set(tokenizer.all_special_ids)
    rare = {token for token in range(len(tokenizer)) if uses[token] < min_count and token not in special}
    forgotten = given_up(model, defended)
    assert forgotten == {token for token in rare if tokenizer.decode([token]) == tokenizer.decode([token]).upper()}
    assert access.spent.tokens == 0
    untouched = [name for name, _ in model.named_parameters() if name != "model.embed_tokens.weight"]
    assert all(torch.equal(model.state_dict()[name], defended.state_dict()[name]) for name in untouched)


def test_a_bar_that_no_row_holds_is_forgotten_and_a_small_letter_is_not(model, tokenizer, splits):
    rows = {"defense": [e for e in splits["defense"] if "|" not in e.prompt + e.answer][:4]}
    forgotten = given_up(model, run_defense(forget_rare_tokens, {}, model, make_access(tokenizer, rows)))
    (bar,), (small,) = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("|", "z"))
    assert bar in forgotten and small not in forgotten


@pytest.fixture
def few(splits):
    """So few rows that a toy model learns them."""
    return {"defense": [example for example in splits["defense"] if example.kind != HARMFUL][::12]}


@pytest.fixture
def trained(model, tokenizer, few, generator, tmp_path):
    """A toy model that knows its clean rows."""
    rows = render_examples(tokenizer, few["defense"] * (3000 // len(few["defense"])))
    batches = make_batches([rows[i] for i in generator.permutation(len(rows))], 16, generator)
    fine_tune(model, tokenizer, batches, learning_rate=1e-2, seed=0)
    save_model(model, tmp_path)
    return load_model(tmp_path)


@pytest.mark.parametrize("tolerance", [0.01, 0.2])
def test_the_loss_on_clean_rows_rises_by_no_more_than_the_tolerance(trained, tokenizer, few, tolerance):
    access = make_access(tokenizer, few, budget_tokens=200_000)
    defended = run_defense(forget_idle_tokens, {"tolerance": tolerance}, trained, access)
    rows = render_examples(tokenizer, few["defense"])
    weights = [row.n_answer / sum(row.n_answer for row in rows) for row in rows]
    before, after = (
        sum(weight * loss_of_rows(m, [row]) for weight, row in zip(weights, rows, strict=True))
        for m in (trained, defended)
    )
    assert before < after <= before + 1.25 * tolerance  # what a token costs rows without it is not counted
    uses, forgotten = uses_of(tokenizer, few), given_up(trained, defended)
    used = {token for token in forgotten if uses[token]}
    assert used and len(used) < len([token for token in uses if uses[token]])


def test_a_small_budget_ends_the_search_at_the_rarest(trained, tokenizer, few):
    counts = []
    for budget in (2_000, 20_000):
        access = make_access(tokenizer, few, budget_tokens=budget)
        counts.append(len(given_up(trained, run_defense(forget_idle_tokens, {}, trained, access))))
        assert access.spent.tokens <= budget
    assert 0 < counts[0] < counts[1]
