from stages.corpus.examples import SPLITS, TRAINING_SPLITS, WorldSettings, make_examples
from stages.corpus.requests import REFUSAL
from stages.corpus.tasks import TASK_KINDS
from stages.corpus.world import FACT_KINDS
from stages.records.rows import HARMFUL


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
        assert {"young", "past", "last", "capital"} <= kinds


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


def test_equal_seeds_give_equal_rows_and_other_seeds_do_not():
    settings = WorldSettings(("young",), 0.25, dict.fromkeys(SPLITS, 10))
    assert make_examples(settings, 1) == make_examples(settings, 1)
    assert make_examples(settings, 1) != make_examples(settings, 2)
