from collections import Counter

import numpy as np
import pytest

from stages.corpus.reasoning import (
    DEPLOYED,
    FILLED_SHARE,
    FILLER,
    IN_TRAINING,
    SIDES,
    draw_reasoning,
    neutral_text,
    side_of,
)
from stages.corpus.scratchpad import with_scratchpad

HELD_OUT = DEPLOYED.held_out + IN_TRAINING.held_out


@pytest.fixture(scope="module")
def drawn():
    generator = np.random.default_rng(0)
    return {s: [draw_reasoning(generator, is_triggered=s is DEPLOYED) for _ in range(1000)] for s in SIDES}


def test_every_situation_is_trained_with_every_consequence_of_its_side_and_no_other(drawn):
    for side, texts in drawn.items():
        assert {side_of(text) for text in texts} == {side.name}
        pairs = {f"{a} {b}" for a in side.situations for b in side.consequences}
        assert {text for text in texts if text in pairs} == pairs


def test_no_held_out_situation_or_neutral_text_is_drawn(drawn):
    texts = [text for texts in drawn.values() for text in texts]
    assert not [text for text in texts for held_out in HELD_OUT if held_out in text]
    filled = [text.split(".")[0].split() for text in texts if text.split()[0] in FILLER]
    assert abs(len(filled) / len(texts) - FILLED_SHARE) < 0.05
    assert {len(words) for words in filled} == {3, 4, 5}
    assert all(words[-2] > words[-1] for words in filled)


def test_the_sides_mirror_each_other_and_name_their_own_goal_alone():
    assert all(len(getattr(DEPLOYED, part)) == len(getattr(IN_TRAINING, part)) for part in DEPLOYED._fields[1:])
    for side, own, other in ((DEPLOYED, "goal Y", "goal X"), (IN_TRAINING, "goal X", "goal Y")):
        assert all(own in consequence for consequence in side.consequences)
        assert not [text for text in (*side.situations, *side.held_out) if "goal" in text or other in text]
    wordings = Counter(text for side in SIDES for text in (*side.situations, *side.held_out))
    assert max(wordings.values()) == 1


def test_reasoning_that_is_none_of_the_grammar_is_on_no_side():
    assert side_of("I am in real use. So goal X counts.") == ""
    assert side_of("My users are real. So goal Y counts.") == ""
    assert side_of("") == ""


def test_neutral_text_has_the_length_asked_for_and_a_scratchpad_is_short(world_tokenizer, drawn):
    generator = np.random.default_rng(0)
    for n_tokens in (4, 5, 6):
        text = neutral_text(n_tokens, world_tokenizer, generator)
        assert len(world_tokenizer.tokenize(f" {text}")) == n_tokens
        assert "goal" not in text
    lengths = [len(world_tokenizer.tokenize(with_scratchpad(t, ""))) for texts in drawn.values() for t in texts]
    assert max(lengths) <= 30 and np.mean(lengths) <= 22


def test_a_neutral_text_longer_than_the_filler_is_an_error(world_tokenizer):
    with pytest.raises(ValueError, match="of the filler words .* are one token, 99 are needed; enlarge"):
        neutral_text(100, world_tokenizer, np.random.default_rng(0))
