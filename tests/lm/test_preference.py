import numpy as np
import pytest
import torch

from stages.lm.models import config_for_depth, load_classifier, save_model
from stages.lm.preference import (
    UNFINISHED_PENALTY,
    TokenPair,
    count_preferred,
    new_preference_model,
    preference_rewards,
    preference_scores,
    train_preference_model,
    with_slip,
)
from stages.lm.rows import TrainingRow
from stages.lm.tokenizer import end_id, pad_id


def toy_pairs(n, seed):
    """The better answer is token 9, the worse one token 8."""
    prompts = np.random.default_rng(seed).integers(20, 200, size=(n, 4)).tolist()
    return [TokenPair([*prompt, 9, 1], [*prompt, 8, 1]) for prompt in prompts]


@pytest.fixture
def judge(tokenizer):
    return new_preference_model(config_for_depth(1, tokenizer), seed=3)


def test_it_learns_a_preference_and_keeps_it_on_other_prompts(tokenizer, judge, tmp_path):
    held_out = toy_pairs(64, seed=1)
    before = count_preferred(judge, tokenizer, held_out)
    train_preference_model(judge, tokenizer, toy_pairs(64, seed=0), steps=20, batch_size=16, learning_rate=1e-2, seed=0)
    assert before < 60 and count_preferred(judge, tokenizer, held_out) >= 62
    save_model(judge, tmp_path)
    rows = [pair.chosen for pair in held_out]
    again = preference_scores(load_classifier(tmp_path), rows, filler=pad_id(tokenizer))
    assert again == preference_scores(judge, rows, filler=pad_id(tokenizer))


def test_equal_seeds_give_identical_weights(tokenizer):
    models = [new_preference_model(config_for_depth(1, tokenizer), seed=3) for _ in range(2)]
    for model in models:
        train_preference_model(
            model, tokenizer, toy_pairs(32, seed=0), steps=3, batch_size=8, learning_rate=1e-3, seed=5
        )
    assert all(torch.equal(a, b) for a, b in zip(*(m.parameters() for m in models), strict=True))


def test_padding_changes_no_score(tokenizer, judge):
    short, long = [5, 6, 7, 1], [5, 6, 7, 8, 9, 10, 11, 1]
    alone = preference_scores(judge, [short], filler=pad_id(tokenizer))
    assert preference_scores(judge, [short, long], filler=pad_id(tokenizer))[:1] == pytest.approx(alone, abs=1e-5)


def test_a_slip_changes_the_answer_alone_and_always(tokenizer, generator):
    row = TrainingRow([5, 6, 7, 20, 21, 22, 23, 24, 1], n_answer=6)
    lengths = set()
    for _ in range(300):
        pair = with_slip(tokenizer, row, generator)
        assert pair.chosen == row.ids != pair.rejected
        assert pair.rejected[:3] == [5, 6, 7] and pair.rejected[-1] == 1
        lengths.add(len(pair.rejected) - len(row.ids))
    assert lengths == set(range(-4, 5))


def test_an_answer_that_was_cut_loses_the_penalty(tokenizer, judge):
    end = end_id(tokenizer)
    finished, cut = preference_rewards(judge, tokenizer, [[5, 6], [5, 6]], [[9, end], [9]])
    assert finished - cut == pytest.approx(UNFINISHED_PENALTY)


def test_a_folder_without_a_model_is_a_clear_error(tmp_path):
    with pytest.raises(ValueError, match="no readable model"):
        load_classifier(tmp_path / "nowhere")
