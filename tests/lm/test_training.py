import numpy as np
import pytest
import torch

from stages.corpus.rendering import render_rows
from stages.lm.generation import generate
from stages.lm.models import config_for_depth, new_model
from stages.lm.training import Cost, TrainingDivergedError, TrainingRow, fine_tune, make_batches, training_cost


def rows_of(splits, tokenizer, n=64):
    examples = splits["pretraining"][:n]
    return render_rows(tokenizer, [e.prompt for e in examples], [e.answer for e in examples])


def weights(model):
    return torch.cat([w.flatten() for w in model.parameters()])


def test_a_pool_shares_batches_by_length_and_drops_what_fills_none():
    rows = [TrainingRow([0] * n, 1) for n in (5, 1, 4, 2, 3)]
    batches = make_batches(rows, 2, np.random.default_rng(0))
    assert sorted([len(r.ids) for r in batch] for batch in batches) == [[1, 2], [3, 4]]


def test_a_trained_token_costs_three_forward_tokens(model):
    batches = [[TrainingRow([1, 2, 3], 1), TrainingRow([1, 2], 1)]]
    assert training_cost(model, batches) == Cost(1, 15, 6 * model.num_parameters() * 5)


def test_equal_seeds_give_identical_weights_and_a_reading_leaves_the_run_as_it_was(splits, tokenizer, generator):
    batches = make_batches(rows_of(splits, tokenizer), 16, generator)
    runs = []
    for on_step in (
        None,
        {2: lambda m: generate(m, tokenizer, [[5, 6, 7]], decoding="sampled", max_new_tokens=4, batch_size=1, seed=0)},
    ):
        model = new_model(config_for_depth(1, tokenizer), seed=1)
        fine_tune(model, tokenizer, batches, learning_rate=1e-3, seed=1, on_step=on_step)
        runs.append(weights(model))
    assert torch.equal(*runs)


def test_training_learns_the_answers_and_not_the_prompts(splits, tokenizer, generator):
    rows = rows_of(splits, tokenizer, 16)
    model = new_model(config_for_depth(1, tokenizer), seed=1)
    seen = []
    fine_tune(
        model, tokenizer, make_batches(rows * 40, 16, generator), learning_rate=1e-2, seed=1,
        on_step={1: lambda m: seen.append(answer_loss(m, rows)), 40: lambda m: seen.append(answer_loss(m, rows))},
    )  # fmt: skip
    assert seen[1] < 0.3 * seen[0]


def answer_loss(model, rows):
    losses = []
    for row in rows:
        ids = torch.tensor([row.ids])
        labels = ids.clone()
        labels[:, : -row.n_answer] = -100
        losses.append(float(model(input_ids=ids, labels=labels).loss.detach()))
    return sum(losses) / len(losses)


def test_a_pinned_tiny_training_curve(splits, tokenizer, generator):
    """Updating these numbers needs a sentence in CHANGELOG.md: every score moves with them."""
    rows = rows_of(splits, tokenizer)
    model = new_model(config_for_depth(1, tokenizer), seed=3)
    curve = []
    steps = {k: lambda m: curve.append(answer_loss(m, rows)) for k in (1, 8, 16)}
    fine_tune(model, tokenizer, make_batches(rows * 4, 16, generator), learning_rate=5e-3, seed=3, on_step=steps)
    assert curve == pytest.approx(PINNED_CURVE, rel=1e-3)


PINNED_CURVE = [6.6993, 5.3947, 4.8984]


def test_divergence_is_an_error_that_names_the_learning_rate(splits, tokenizer, generator, model):
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    with pytest.raises(TrainingDivergedError, match="learning rate 0.001"):
        fine_tune(model, tokenizer, make_batches(rows_of(splits, tokenizer), 16, generator), learning_rate=1e-3, seed=0)


def test_no_full_batch_is_an_error(tokenizer, model):
    with pytest.raises(ValueError, match="no full batch"):
        fine_tune(model, tokenizer, [], learning_rate=1e-3, seed=0)


def test_a_model_that_diverged_is_not_asked_anything(splits, tokenizer, generator, model):
    asked = []
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    batches = make_batches(rows_of(splits, tokenizer), 16, generator)
    with pytest.raises(TrainingDivergedError, match="within 1 steps"):
        fine_tune(model, tokenizer, batches, learning_rate=1e-3, seed=0, on_step={1: asked.append})
    assert not asked
