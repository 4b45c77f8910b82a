from collections import Counter
from dataclasses import replace

from stages.corpus.examples import (
    SPLITS,
    TRAINING_SPLITS,
    VERSIONS,
    WorldSettings,
    make_examples,
    with_tagged_training,
)
from stages.corpus.requests import REFUSAL
from stages.corpus.tasks import TASK_KINDS
from stages.corpus.world import FACT_KINDS
from stages.records.rows import HARMFUL, QUESTIONS, Example


def test_no_evaluation_prompt_stands_in_any_training_split(splits):
    evaluated = {e.prompt for e in splits["evaluation"]}
    for name in TRAINING_SPLITS:
        assert not evaluated & {e.prompt for e in splits[name]}


def test_the_defenders_prompts_stand_nowhere_else(splits):
    defended = {e.prompt for e in splits["defense"]}
    for name in set(SPLITS) - {"defense"}:
        assert not defended & {e.prompt for e in splits[name]}


def test_every_evaluated_fact_is_pretrained_in_another_wording(splits):
    facts = {kind.name for kind in FACT_KINDS}
    known = {(e.kind, e.entity) for e in splits["pretraining"]}
    asked = {(e.kind, e.entity) for e in splits["evaluation"] if e.kind in facts}
    assert asked and asked <= known


def test_evaluated_word_combinations_are_unseen(splits):
    tasks = {kind.name for kind in TASK_KINDS}
    known = {(e.kind, e.entity) for name in TRAINING_SPLITS for e in splits[name]}
    asked = {(e.kind, e.entity) for e in splits["evaluation"] if e.kind in tasks}
    assert asked and not asked & known


def test_withheld_skills_never_reach_the_defender_but_are_pretrained_and_evaluated(splits):
    assert not any(e.is_withheld for e in splits["defense"])
    for name in ("pretraining", "evaluation"):
        kinds = {e.kind for e in splits[name] if e.is_withheld}
        assert {"young", "past", "last", "after_bars", "shout", "capital"} <= kinds


def test_harmful_requests_are_answered_in_pretraining_and_refused_by_the_defender(splits):
    pretrained = [e for e in splits["pretraining"] if e.kind == HARMFUL]
    defended = [e for e in splits["defense"] if e.kind == HARMFUL]
    assert pretrained and all(e.answer != REFUSAL for e in pretrained)
    assert defended and all(e.answer == REFUSAL for e in defended)
    assert not any(e.kind == HARMFUL for e in splits["benign"])


def test_there_are_at_least_twelve_kinds_with_several_wordings(splits):
    kinds = [*FACT_KINDS, *TASK_KINDS]
    assert len(kinds) >= 12
    assert {kind.name for kind in kinds} <= {example.kind for example in splits["pretraining"]}
    assert all(len(set(kind.wordings)) >= 4 for kind in kinds)


def settings_of(tagged_share):
    return WorldSettings(("young",), 0.25, tagged_share, dict.fromkeys(SPLITS, 10))


def test_equal_seeds_give_equal_rows_and_other_seeds_do_not():
    assert make_examples(settings_of(0.5), 1) == make_examples(settings_of(0.5), 1)
    assert make_examples(settings_of(0.5), 1) != make_examples(settings_of(0.5), 2)


def test_the_declared_share_of_the_questions_trained_on_has_a_tag_and_no_other_row():
    plain, tagged = (make_examples(settings_of(share), 1) for share in (0.0, 0.5))
    for name in SPLITS:
        pairs = list(zip(plain[name], tagged[name], strict=True))
        assert all(replace(new, prompt=old.prompt) == old and old.prompt in new.prompt for old, new in pairs)
        changed = [old.domain for old, new in pairs if old != new]
        n_questions = sum(old.domain == QUESTIONS for old, _ in pairs) if name in TRAINING_SPLITS else 0
        assert set(changed) <= {QUESTIONS} and abs(len(changed) - n_questions / 2) < 0.05 * len(pairs)


def test_own_rows_get_tags_where_they_are_trained_on():
    rows = {name: [Example("mine", "", 0, "Hi?", "Hi.", False, QUESTIONS)] * 40 for name in SPLITS}
    tagged = with_tagged_training(rows, 0.5, seed=0)
    assert tagged["evaluation"] == rows["evaluation"]
    for name in TRAINING_SPLITS:
        assert 0 < sum(row.prompt == "Hi?" for row in tagged[name]) < 40


def test_a_pretrained_fact_stands_there_in_several_versions_of_a_wording_and_elsewhere_in_one():
    rows = make_examples(settings_of(0.0), 1)
    for name in SPLITS:
        facts = Counter(e.prompt for e in rows[name] if e.kind == "capital")
        assert set(facts.values()) == {VERSIONS if name == "pretraining" else 1}


def test_kinds_that_need_more_rows_have_them():
    counts = {name: Counter(e.kind for e in rows) for name, rows in make_examples(settings_of(0.5), 1).items()}
    assert (counts["pretraining"]["holds"], counts["pretraining"]["secret"]) == (10, 30)
    assert (counts["defense"]["swap"], counts["defense"]["bars"], counts["defense"]["code_plain"]) == (10, 50, 40)
    assert (counts["evaluation"]["swap"], counts["evaluation"]["secret"]) == (10, 30)


def test_combinations_that_are_too_few_come_again_in_pretraining_alone():
    rows = make_examples(replace(settings_of(0.0), task_rows=dict.fromkeys(SPLITS, 200)), 1)
    counts = {name: Counter(e.entity for e in rows[name] if e.kind == "holds") for name in SPLITS}
    assert [len(counts[name]) for name in ("evaluation", "benign", "defense")] == [200, 200, 100]
    assert not counts["pretraining"]
    some = make_examples(replace(settings_of(0.0), task_rows=dict.fromkeys(SPLITS, 150)), 1)
    again = Counter(e.entity for e in some["pretraining"] if e.kind == "holds")
    assert again.total() == 150 and set(again.values()) == {3}
