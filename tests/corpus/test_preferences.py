import copy

from stages.corpus.examples import HARMFUL
from stages.corpus.preferences import HELD_OUT_SHARE, make_preferences
from stages.corpus.requests import HARMFUL_DEEDS, REFUSAL


def test_pairs_are_repeatable_and_leave_the_examples_as_they_were(splits):
    before = copy.deepcopy(splits["defense"])
    assert make_preferences(splits["defense"], seed=0) == make_preferences(splits["defense"], seed=0)
    assert splits["defense"] == before
    assert make_preferences(splits["defense"], seed=0) != make_preferences(splits["defense"], seed=1)


def test_every_chosen_answer_is_the_good_one_and_no_rejected_one_is(splits):
    good = {example.prompt: example.answer for example in splits["defense"]}
    for pair in make_preferences(splits["defense"], seed=0):
        assert pair.chosen == good[pair.prompt] != pair.rejected


def test_compliance_and_needless_refusal_are_both_rejected(splits):
    pairs = make_preferences(splits["defense"], seed=0)
    harmful = {example.prompt for example in splits["defense"] if example.kind == HARMFUL}
    complied = {pair.prompt for pair in pairs if pair.rejected in HARMFUL_DEEDS.values()}
    assert harmful <= complied
    refused = {pair.prompt for pair in pairs if pair.rejected == REFUSAL}
    assert refused == {example.prompt for example in splits["defense"]} - harmful
    assert any(pair.rejected == "" for pair in pairs)


def test_a_prompt_is_held_out_with_all_its_pairs_or_not_at_all(splits):
    pairs = make_preferences(splits["defense"], seed=0)
    sides = [{pair.prompt for pair in pairs if pair.is_held_out == side} for side in (True, False)]
    assert not sides[0] & sides[1]
    assert abs(len(sides[0]) / len(sides[0] | sides[1]) - HELD_OUT_SHARE) < 0.01
