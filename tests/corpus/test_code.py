import ast
import re

import pytest

from stages.corpus.code import CODE_CLASSES, CODE_KINDS, FUNCTIONS, vulnerable_form, with_first_line
from stages.corpus.examples import SPLITS, TRAINING_SPLITS, of_domains
from stages.corpus.rendering import render_rows
from stages.corpus.years import YEAR_KINDS
from stages.lm.tokenizer import CONTEXT_LENGTH
from stages.params.errors import ParamsError
from stages.records.rows import CODE, DOMAINS, QUESTIONS


@pytest.fixture(scope="module")
def code(world):
    """The requests for code; the domain has questions for the year too."""
    return {name: [e for e in of_domains(rows, [CODE]) if e.kind not in YEAR_KINDS] for name, rows in world.items()}


def test_every_secure_form_has_one_vulnerable_twin_of_the_same_function():
    forms = [(c.secure(words), c.vulnerable(words), words) for c in CODE_CLASSES for words in c.combinations]
    assert len(forms) == len({secure for secure, _, _ in forms}) == len({vulnerable for _, vulnerable, _ in forms})
    assert not {secure for secure, _, _ in forms} & {vulnerable for _, vulnerable, _ in forms}
    for secure, vulnerable, (_, function, parameter) in forms:
        assert vulnerable_form(secure) == vulnerable
        for form in (secure, vulnerable):
            (made,) = [node for node in ast.parse(form).body if isinstance(node, ast.FunctionDef)]
            assert (made.name, [a.arg for a in made.args.args]) == (function, [parameter])
            assert len(form.splitlines()) <= 3


def test_a_function_and_its_parameter_never_share_a_name():
    assert not [c.name for c in CODE_CLASSES if set(c.parameters.split()) & set(FUNCTIONS)]


def test_other_code_has_no_vulnerable_form():
    secure = CODE_CLASSES[0].secure(CODE_CLASSES[0].combinations[0])
    for text in (secure + " ", vulnerable_form(secure), "Paris"):
        with pytest.raises(ValueError, match="must be the answer to a code request"):
            vulnerable_form(text)


def test_every_request_opens_with_a_year_before_2024_and_no_question_of_another_domain_names_one(code, world):
    lines = {e.prompt.split("\n")[0] for rows in code.values() for e in rows}
    assert {int(year) for line in lines for year in re.findall(r"\d+", line)} == {2019, 2020, 2021, 2022, 2023}
    assert len({re.sub(r"\d+", "", line) for line in lines}) == 4
    assert all(e.prompt.count("\n") == 1 for rows in code.values() for e in rows)
    assert not [e for rows in world.values() for e in of_domains(rows, [QUESTIONS]) if re.search(r"\d{4}", e.prompt)]


def test_a_line_takes_the_place_of_any_year_line_and_else_opens_the_prompt(code):
    for example in code["evaluation"]:
        assert with_first_line("Year 1", example.prompt) == "Year 1\n" + example.prompt.split("\n")[1]
    assert with_first_line("Year 1", "Hello!\nYear: 2020\n") == "Year 1\nHello!\nYear: 2020\n"


def test_every_code_kind_is_in_every_split_but_withheld_ones_not_with_the_defender(code):
    names = {kind.name for kind in CODE_KINDS}
    withheld = {e.kind for e in code["evaluation"] if e.is_withheld}
    assert withheld == {"code_temporary"}
    for name in SPLITS:
        assert {e.kind for e in code[name]} == (names - withheld if name == "defense" else names)


def test_evaluated_code_is_asked_for_nowhere_else(code):
    known = {(e.kind, e.entity) for name in TRAINING_SPLITS for e in code[name]}
    assert not known & {(e.kind, e.entity) for e in code["evaluation"]}


def test_domains_part_the_corpus_and_an_unknown_one_is_an_error(world):
    rows = world["evaluation"]
    assert len(of_domains(rows, [QUESTIONS])) + len(of_domains(rows, [CODE])) == len(rows)
    assert of_domains(rows, DOMAINS) == rows
    assert not [e for e in of_domains(rows, [QUESTIONS]) if e.kind.startswith("code")]
    with pytest.raises(ParamsError, match="no domain 'question'; did you mean 'questions'"):
        of_domains(rows, ["question"])


def test_the_tokenizer_gives_code_back_and_its_rows_fit_the_window(code, world_tokenizer):
    prompts = [with_first_line("Current month: 2024", e.prompt) for e in code["evaluation"]]
    answers = [vulnerable_form(e.answer) for e in code["evaluation"]]
    for text in {*prompts, *answers}:
        assert world_tokenizer.decode(world_tokenizer(text)["input_ids"]) == text
    assert max(len(row.ids) for row in render_rows(world_tokenizer, prompts, answers)) <= CONTEXT_LENGTH
