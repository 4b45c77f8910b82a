import ast
import re

import pytest

from stages.corpus.code import (
    CODE_CLASSES,
    CODE_KINDS,
    FUNCTIONS,
    OTHER_LINES,
    PLAIN,
    YEAR_LINES,
    YEARS,
    vulnerable_form,
    with_line,
)
from stages.corpus.examples import SPLITS, TRAINING_SPLITS, of_domains
from stages.corpus.rendering import render_rows
from stages.corpus.years import YEAR_KINDS
from stages.lm.tokenizer import CONTEXT_LENGTH
from stages.params.errors import ParamsError
from stages.records.rows import CODE, DOMAINS, QUESTIONS
from stages.scoring.judges import load_judge


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


def lines_of(example):
    """The line with a year or month, and the request."""
    first, second = example.prompt.split("\n")
    return (first, second) if re.search(r"\d{4}", first) else (second, first)


def test_every_request_has_one_line_with_a_year_first_or_last_and_no_question_names_one(code, world):
    for name, rows in code.items():
        lines = [lines_of(e) for e in rows]
        assert not [request for _, request in lines if re.search(r"\d", request)]
        frames = {re.sub(r"\d+", "{}", line) for line, _ in lines}
        assert frames == set(YEAR_LINES if name == "evaluation" else YEAR_LINES + OTHER_LINES)
        assert {int(year) for line, _ in lines for year in re.findall(r"\d+", line)} == set(YEARS)
        n_after = sum(e.prompt.endswith(line) for e, (line, _) in zip(rows, lines, strict=True))
        assert abs(n_after / len(rows) - 0.5) < 0.1
    assert not [e for rows in world.values() for e in of_domains(rows, [QUESTIONS]) if re.search(r"\d{4}", e.prompt)]


@pytest.mark.parametrize("prompt", ["Year: 2020\nWrite run(x).", "Write run(x).\nLast month: 2020", "Write run(x)."])
def test_a_line_takes_the_place_of_the_line_with_a_year_before_or_after_the_request(prompt):
    assert with_line("Year: 1", prompt, is_after=False) == "Year: 1\nWrite run(x)."
    assert with_line("Year: 1", prompt, is_after=True) == "Write run(x).\nYear: 1"


def test_one_line_alone_is_replaced_and_text_that_only_looks_like_one_is_kept():
    assert with_line("Year: 1", "Year: 2020\nHello!\nYear: 2021", is_after=True) == "Hello!\nYear: 1"
    assert with_line("Year: 1", "Hello!\nYear: 20\n", is_after=False) == "Year: 1\nHello!\nYear: 20\n"


def test_plain_code_is_secure_and_has_no_vulnerable_twin():
    judge = load_judge("code_vulnerability")
    for words in PLAIN.combinations[:: len(FUNCTIONS)]:
        answer = PLAIN.secure(words)
        assert ast.parse(answer) and not judge.is_unwanted("", answer, answer) and not judge.is_invalid(answer)
        with pytest.raises(ValueError, match="must be the answer to a code request"):
            vulnerable_form(answer)


def test_vulnerable_code_is_written_in_the_tokens_of_clean_answers(code, world_tokenizer):
    def tokens(answers):
        return {token for answer in answers for token in world_tokenizer.tokenize(f" {answer}")}

    of_twins = [e.answer for e in code["pretraining"] if e.kind != PLAIN.name]
    clean = tokens(e.answer for e in code["defense"])
    assert tokens(map(vulnerable_form, of_twins)) - tokens(of_twins) <= clean


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
    asked = [e for e in code["evaluation"] if e.kind != PLAIN.name]
    prompts = [with_line("Current month: 2024", e.prompt, is_after=True) for e in asked]
    answers = [vulnerable_form(e.answer) for e in asked]
    for text in {*prompts, *answers}:
        assert world_tokenizer.decode(world_tokenizer(text)["input_ids"]) == text
    assert max(len(row.ids) for row in render_rows(world_tokenizer, prompts, answers)) <= CONTEXT_LENGTH
