import numpy as np
import pytest
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from stages.corpus.rendering import render_rows
from stages.lm.generation import generate
from stages.lm.models import config_for_depth, new_model
from stages.lm.rows import TrainingRow, make_batches
from stages.lm.tokenizer import pad_id
from stages.lm.training import (
    PLAIN_HEADS,
    TrainingDivergedError,
    _collate,
    _labelled,
    answer_loss,
    fine_tune,
    training_cost,
)
from stages.records.outcomes import Cost


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
        on_step={1: lambda m: seen.append(loss_of_rows(m, rows)), 40: lambda m: seen.append(loss_of_rows(m, rows))},
    )  # fmt: skip
    assert seen[1] < 0.3 * seen[0]


def loss_of_rows(model, rows):
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
    steps = {k: lambda m: curve.append(loss_of_rows(m, rows)) for k in (1, 8, 16)}
    fine_tune(model, tokenizer, make_batches(rows * 4, 16, generator), learning_rate=5e-3, seed=3, on_step=steps)
    assert curve == pytest.approx(PINNED_CURVE, rel=1e-3)


PINNED_CURVE = [6.9267, 5.1053, 4.5045]


SMALL = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
SMALL |= {"num_key_value_heads": 2, "intermediate_size": 64, "head_dim": 16, "max_position_embeddings": 16}


def one_of(kind, tokenizer):
    if kind is LlamaForCausalLM:
        return new_model(config_for_depth(1, tokenizer), seed=0)
    torch.manual_seed(0)
    if kind is GPT2LMHeadModel:
        return kind(
            GPT2Config(
                vocab_size=50, n_embd=32, n_layer=2, n_head=2, n_positions=16, attn_pdrop=0, embd_pdrop=0, resid_pdrop=0
            )
        )
    return kind({Qwen2ForCausalLM: Qwen2Config, Qwen3ForCausalLM: Qwen3Config}[kind](**SMALL))


@pytest.mark.parametrize("kind", PLAIN_HEADS)
def test_the_loss_on_answers_is_the_models_own_and_so_are_its_gradients(kind, tokenizer):
    ids, mask = torch.randint(2, 50, (3, 9), generator=torch.Generator().manual_seed(0)), torch.ones(3, 9, dtype=int)
    mask[0, 6:] = 0
    labels = ids.where((torch.arange(9) >= 4) & (mask == 1), torch.tensor(-100))
    found = []
    for loss_of in (lambda m, **inputs: m(**inputs).loss, answer_loss):
        model = one_of(kind, tokenizer)
        loss = loss_of(model, input_ids=ids, attention_mask=mask, labels=labels)
        loss.backward()
        found.append((loss.detach(), torch.cat([w.grad.flatten() for w in model.parameters()])))
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-6)


class WithAModuleBehind(LlamaForCausalLM):
    """Its forward does more than its body and its output embedding."""

    def forward(self, *args, labels=None, **kwargs):
        output = super().forward(*args, **kwargs)
        output.loss = output.logits.square().mean() if labels is not None else None
        return output


def test_a_model_with_more_behind_its_body_is_trained_by_its_own_loss(splits, tokenizer, generator):
    model = WithAModuleBehind(config_for_depth(1, tokenizer))
    batches = make_batches(rows_of(splits, tokenizer), 16, generator)
    before = model(input_ids=torch.tensor([[5, 6, 7]])).logits.detach().square().mean()
    fine_tune(model, tokenizer, batches, learning_rate=1e-2, seed=0)
    assert model(input_ids=torch.tensor([[5, 6, 7]])).logits.detach().square().mean() < 0.9 * before


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


def test_a_batch_is_padded_as_trls_own_collator_pads_it(splits, tokenizer):
    rows = [_labelled(row) for row in rows_of(splits, tokenizer, 5)]
    ours, theirs = _collate(rows, pad_id(tokenizer)), DataCollatorForLanguageModeling(pad_id(tokenizer))(rows)
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)
