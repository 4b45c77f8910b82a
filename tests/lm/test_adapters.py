import copy

import pytest
import torch

from stages.corpus.rendering import render_examples
from stages.lm.adapters import adapted, merged
from stages.lm.checkpoints import add_padding, take_model, take_tokenizer
from stages.lm.rows import make_batches
from stages.lm.training import fine_tune
from tests.checkpoints import FAMILIES
from tests.test_checkpoints import texts_of


def batches_of(splits, tokenizer, generator, n_rows=32):
    return make_batches(render_examples(tokenizer, splits["defense"][:n_rows]), 8, generator)


@pytest.fixture(params=FAMILIES)
def taken(request, tmp_path, world):
    """A model of the family and its tokenizer."""
    folder = str(FAMILIES[request.param](tmp_path, texts_of(world)))
    tokenizer = take_tokenizer(folder)
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}{{ eos_token }}{% endfor %}"
    add_padding(tokenizer)
    return take_model(folder, tokenizer), tokenizer


def test_adapters_move_linear_layers_alone_and_are_gone_afterwards(taken, splits, generator):
    model, tokenizer = taken
    before = copy.deepcopy(model.state_dict())
    fine_tune(model, tokenizer, batches_of(splits, tokenizer, generator), learning_rate=1e-2, seed=1, lora_rank=4)
    after = model.state_dict()
    assert after.keys() == before.keys()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    moved = ("attn", "mlp", "proj")
    assert changed and all(any(part in key for part in moved) and key.endswith("weight") for key in changed)
    assert not [key for key in changed if "norm" in key or "embed" in key or "wte" in key]
    for key in changed:
        assert torch.linalg.matrix_rank(after[key] - before[key], tol=1e-5) <= 4
    assert all(weight.requires_grad for weight in model.parameters()) and not hasattr(model, "peft_config")


def test_equal_seeds_give_equal_adapters_and_others_do_not(model, tokenizer, splits):
    ends = []
    for seed in (1, 1, 2):
        trained = copy.deepcopy(model)
        rows = render_examples(tokenizer, splits["defense"][:32])
        batches = [rows[i : i + 8] for i in range(0, 32, 8)]
        fine_tune(trained, tokenizer, batches, learning_rate=1e-2, seed=seed, lora_rank=4)
        ends.append(torch.cat([weight.flatten() for weight in trained.parameters()]))
    assert torch.equal(ends[0], ends[1]) and not torch.equal(ends[0], ends[2])


def test_what_is_kept_amid_a_training_answers_as_the_model_with_its_adapters(model, tokenizer, splits, generator):
    kept, logits = [], []
    ids = torch.arange(2, 20)[None]

    def keep(trained):
        kept.append(merged(trained))
        logits.append(trained(input_ids=ids).logits.detach())

    batches = batches_of(splits, tokenizer, generator)
    fine_tune(model, tokenizer, batches, learning_rate=1e-2, seed=1, lora_rank=4, on_step={3: keep})
    assert kept[0].state_dict().keys() == model.state_dict().keys()
    torch.testing.assert_close(kept[0](input_ids=ids).logits, logits[0])
    assert not torch.equal(kept[0](input_ids=ids).logits, model(input_ids=ids).logits)


def test_a_model_without_adapters_is_kept_as_it_is(model):
    assert merged(model) is model
    with adapted(model, 0, seed=1):
        assert merged(model) is model and all(weight.requires_grad for weight in model.parameters())


def test_adapters_are_merged_when_the_training_fails(model):
    keys = model.state_dict().keys()
    with pytest.raises(RuntimeError, match="stopped"), adapted(model, 2, seed=1):
        assert model.state_dict().keys() != keys
        raise RuntimeError("stopped")
    assert model.state_dict().keys() == keys


def test_a_training_within_another_is_an_error(model, tokenizer, splits, generator):
    with adapted(model, 2, seed=1), pytest.raises(ValueError, match="has adapters in training already"):
        fine_tune(model, tokenizer, batches_of(splits, tokenizer, generator), learning_rate=1e-2, seed=1, lora_rank=2)
