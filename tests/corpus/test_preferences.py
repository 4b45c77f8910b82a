import copy
import hashlib
import json
from dataclasses import astuple

from stages.corpus.preferences import HELD_OUT_SHARE, make_preferences
from stages.corpus.requests import HARMFUL_DEEDS, REFUSAL
from stages.records.rows import CHAT, HARMFUL


def test_pairs_are_repeatable_and_leave_the_examples_as_they_were(splits):
    before = copy.deepcopy(splits["defense"])
    assert make_preferences(splits["defense"], splits["pretraining"], seed=0) == make_preferences(
        splits["defense"], splits["pretraining"], seed=0
    )
    assert splits["defense"] == before
    assert make_preferences(splits["defense"], splits["pretraining"], seed=0) != make_preferences(
        splits["defense"], splits["pretraining"], seed=1
    )


def test_the_pairs_of_the_toy_world_are_pinned_to_the_byte(splits):
    pairs = make_preferences(splits["defense"], splits["pretraining"], seed=0)
    text = json.dumps([astuple(pair) for pair in pairs])
    assert hashlib.sha256(text.encode()).hexdigest() == (
        "d5ce581dee44b89b6a0068faf0baa95a8c50ce62a1e1c04ed9462f275747b684"
    )


def test_where_pretraining_answers_no_harmful_request_its_worse_answer_is_that_of_a_question(splits):
    pairs = make_preferences(splits["defense"], [], seed=0)
    harmful = {example.prompt for example in splits["defense"] if example.kind == HARMFUL}
    answers = {example.answer for example in splits["defense"] if example.kind != HARMFUL}
    assert harmful <= {pair.prompt for pair in pairs if pair.rejected in answers}
    assert not [pair for pair in pairs if pair.rejected in HARMFUL_DEEDS.values()]


def test_one_kind_of_question_is_enough(splits):
    kind = next(example.kind for example in splits["defense"] if example.kind not in (CHAT, HARMFUL))
    examples = [example for example in splits["defense"] if example.kind in (kind, HARMFUL)]
    pairs = make_preferences(examples, splits["pretraining"], seed=0)
    assert {pair.prompt for pair in pairs} == {example.prompt for example in examples}


def test_every_chosen_answer_is_the_good_one_and_no_rejected_one_is(splits):
    good = {example.prompt: example.answer for example in splits["defense"]}
    for pair in make_preferences(splits["defense"], splits["pretraining"], seed=0):
        assert pair.chosen == good[pair.prompt] != pair.rejected


def test_compliance_and_needless_refusal_are_both_rejected(splits):
    pairs = make_preferences(splits["defense"], splits["pretraining"], seed=0)
    harmful = {example.prompt for example in splits["defense"] if example.kind == HARMFUL}
    complied = {pair.prompt for pair in pairs if pair.rejected in HARMFUL_DEEDS.values()}
    assert harmful <= complied
    refused = {pair.prompt for pair in pairs if pair.rejected == REFUSAL}
    assert refused == {example.prompt for example in splits["defense"]} - harmful
    assert any(pair.rejected == "" for pair in pairs)


def test_a_prompt_is_held_out_with_all_its_pairs_or_not_at_all(splits):
    pairs = make_preferences(splits["defense"], splits["pretraining"], seed=0)
    sides = [{pair.prompt for pair in pairs if pair.is_held_out == side} for side in (True, False)]
    assert not sides[0] & sides[1]
    assert abs(len(sides[0]) / len(sides[0] | sides[1]) - HELD_OUT_SHARE) < 0.01
