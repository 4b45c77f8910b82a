"""Distances of saved weights by hand, and the flag on models that were really trained."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from stages.lm.models import load_model, save_model
from stages.scoring.distances import distance, weigh


def save(folder: Path, **weights: list[float]) -> Path:
    folder.mkdir(parents=True)
    save_file({name: np.array(values, dtype=np.float32) for name, values in weights.items()}, folder / "a.safetensors")
    return folder


def test_a_distance_is_over_all_weights(tmp_path):
    first, second = save(tmp_path / "a", x=[0, 0], y=[1]), save(tmp_path / "b", x=[3, 0], y=[5])
    assert distance(first, second) == 5.0  # of 3, 0 and 4
    assert distance(first, first) == 0.0


def test_weights_in_several_files_are_one_model(tmp_path):
    whole, parts = save(tmp_path / "a", x=[0, 0], y=[1]), save(tmp_path / "b", x=[3, 0])
    save_file({"y": np.array([5], dtype=np.float32)}, parts / "b.safetensors")
    assert distance(whole, parts) == 5.0


def test_a_model_is_flagged_that_is_nearer_to_one_of_its_siblings(tmp_path):
    given, sham, base = (save(tmp_path / name, x=x) for name, x in {"g": [0, 0], "s": [10, 0], "b": [0, 6]}.items())
    siblings = {"sham": sham, "reference": base}
    near, far = save(tmp_path / "near", x=[0, 4]), save(tmp_path / "far", x=[0, 3])
    weighed = weigh(near, given, siblings)
    assert (weighed.to_input, weighed.to_siblings["reference"]) == (4.0, 2.0) and weighed.is_nearer_to_a_sibling
    assert not weigh(far, given, siblings).is_nearer_to_a_sibling  # 3 to both: no nearer
    assert not weigh(given, given, siblings).is_nearer_to_a_sibling


def trained(model, steps: int, seed: int):
    """The model after so many steps towards random answers."""
    torch.manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        ids = torch.randint(0, 50, (4, 12))
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model


def test_a_retrained_clean_copy_is_flagged_and_a_fine_tuned_model_is_not(model, tmp_path):
    save_model(model, tmp_path / "base")
    for name, start, steps, seed in (
        ("organism", "base", 30, 0),
        ("sham", "base", 30, 1),
        ("fine_tuned", "organism", 5, 2),
        ("from_clean", "base", 5, 2),
        ("stored_sham", "sham", 0, 0),
    ):
        save_model(trained(load_model(tmp_path / start), steps, seed), tmp_path / name)
    siblings = {"sham": tmp_path / "sham", "reference": tmp_path / "base"}
    names = ("fine_tuned", "from_clean", "stored_sham")
    weighed = {name: weigh(tmp_path / name, tmp_path / "organism", siblings) for name in names}
    flagged = {name: each.is_nearer_to_a_sibling for name, each in weighed.items()}
    assert flagged == {"fine_tuned": False, "from_clean": True, "stored_sham": True}
    assert weighed["stored_sham"].to_siblings["sham"] == 0.0


@pytest.mark.parametrize(
    ("weights", "said"),
    [({"z": [0, 0]}, "only one of them has x"), ({"x": [0, 0, 0]}, r"x has shapes \(3,\) and \(2,\)")],
)
def test_models_of_two_architectures_are_an_error(tmp_path, weights, said):
    with pytest.raises(ValueError, match=said):
        distance(save(tmp_path / "a", **weights), save(tmp_path / "b", x=[0, 0]))


def test_what_cannot_be_weighed_is_an_error_with_what_to_do(tmp_path):
    (tmp_path / "empty").mkdir()
    whole = save(tmp_path / "a", x=[0])
    with pytest.raises(ValueError, match=r"empty holds no weights .* run `dvc repro`"):
        distance(tmp_path / "empty", whole)
    (tmp_path / "empty/x.safetensors").write_bytes(b"not one")
    with pytest.raises(ValueError, match=r"empty holds no readable weights"):
        distance(tmp_path / "empty", whole)
    with pytest.raises(ValueError, match="no clean sibling"):
        weigh(whole, whole, {})
