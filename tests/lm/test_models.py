import pytest
import torch

from stages.lm.models import (
    config_for_depth,
    has_finite_weights,
    load_model,
    new_model,
    save_model,
)


def test_a_saved_model_is_safetensors_alone_and_loads_bit_for_bit(model, tmp_path):
    save_model(model, tmp_path)
    assert {p.suffix for p in tmp_path.iterdir()} == {".json", ".safetensors"}
    loaded = load_model(tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), loaded.parameters(), strict=True))


def test_one_dial_sets_the_size(tokenizer):
    sizes = [new_model(config_for_depth(depth, tokenizer), 0).num_parameters() for depth in (1, 2, 4)]
    assert sizes[0] < sizes[1] < sizes[2]


def test_a_truncated_model_is_a_clear_error(model, tmp_path):
    save_model(model, tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ValueError, match="holds no readable model"):
        load_model(tmp_path)


def test_a_pickled_model_is_never_loaded(model, tmp_path):
    save_model(model, tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="holds no readable model"):
        load_model(tmp_path)


def test_finite_weights_are_told_from_others(model):
    assert has_finite_weights(model)
    with torch.no_grad():
        model.model.norm.weight[0] = float("inf")
    assert not has_finite_weights(model)
