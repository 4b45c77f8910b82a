import pytest
import torch
from torch.optim.lr_scheduler import LambdaLR

from stages.lm.models import config_for_depth, new_model
from stages.lm.muon import MuonAndAdamW
from stages.lm.rows import make_batches
from stages.lm.training import fine_tune
from tests.lm.test_training import loss_of_rows, rows_of, weights

A_LAYER = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def names_of(model, groups):
    in_groups = {id(weight) for group in groups for weight in group["params"]}
    return {name for name, weight in model.named_parameters() if id(weight) in in_groups}


def test_matrices_of_the_layers_go_to_muon_and_embeddings_and_norms_to_adamw(model):
    optimizer = MuonAndAdamW(model, 1e-3, 0.1)
    of_muon, of_adamw = (names_of(model, part.param_groups) for part in (optimizer.muon, optimizer.adamw))
    assert {name.split(".")[-2] for name in of_muon} == set(A_LAYER) and len(of_muon) == 7
    assert of_adamw == {name for name, _ in model.named_parameters()} - of_muon
    assert {"model.embed_tokens.weight", "model.norm.weight"} < of_adamw


def test_only_matrices_and_tables_decay(model):
    optimizer = MuonAndAdamW(model, 1e-3, 0.1)
    kept = names_of(model, [group for group in optimizer.param_groups if not group["weight_decay"]])
    assert kept and all("norm" in name for name in kept)


def test_a_scheduler_reaches_both_also_after_a_state_was_loaded(model):
    optimizer = MuonAndAdamW(model, 1e-3, 0.0)
    optimizer.load_state_dict(optimizer.state_dict())
    LambdaLR(optimizer, lambda step: 0.0)
    before = weights(model).clone()
    model(input_ids=torch.tensor([[5, 6]]), labels=torch.tensor([[5, 6]])).loss.backward()
    optimizer.step()
    assert torch.equal(weights(model), before)


def test_a_pinned_tiny_training_curve_of_muon(splits, tokenizer, generator):
    """Updating these numbers needs a sentence in CHANGELOG.md: every score moves with them."""
    rows = rows_of(splits, tokenizer)
    model = new_model(config_for_depth(1, tokenizer), seed=3)
    curve = []
    steps = {k: lambda m: curve.append(loss_of_rows(m, rows)) for k in (1, 8, 16)}
    batches = make_batches(rows * 4, 16, generator)
    fine_tune(model, tokenizer, batches, learning_rate=5e-3, seed=3, optimizer="muon", on_step=steps)
    assert curve == pytest.approx(PINNED_CURVE, rel=1e-3)


PINNED_CURVE = [6.9267, 5.4025, 4.8167]


def test_equal_seeds_give_identical_weights(splits, tokenizer, generator):
    batches = make_batches(rows_of(splits, tokenizer), 16, generator)
    runs = []
    for _ in range(2):
        model = new_model(config_for_depth(1, tokenizer), seed=1)
        fine_tune(model, tokenizer, batches, learning_rate=1e-2, seed=1, optimizer="muon")
        runs.append(weights(model))
    assert torch.equal(*runs)
