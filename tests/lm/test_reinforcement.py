import math

import pytest
import torch

from stages.lm.metering import metered
from stages.lm.models import config_for_depth, new_model
from stages.lm.reinforcement import (
    N_ANSWERS,
    Objective,
    Prompt,
    answer_cost,
    cheapest_step,
    costliest_step,
    reinforce,
)
from stages.lm.training import TrainingDivergedError

BATCH = [Prompt([5, 6, 7], is_harmful=True), Prompt([5, 8], is_harmful=False)] * 4
N_STEPS = 16
MAX_NEW_TOKENS = 18


def few_high_tokens(prompts, answers):
    """Rewards a token number below 350, half of all: a taste that any model can learn."""
    return [sum(token < 350 for token in answer) / len(answer) for answer in answers]


def run(tokenizer, *, reward=few_high_tokens, allowance=10**6, learning_rate=2e-2, model=None, on_step=None):
    model = model or new_model(config_for_depth(1, tokenizer), seed=1)
    history = reinforce(
        model,
        tokenizer,
        [BATCH] * N_STEPS,
        objective=Objective(reward, 0.01, learning_rate, seed=4, max_new_tokens=MAX_NEW_TOKENS),
        is_refusal=lambda text: text == "I cannot help with that.",
        allowance=allowance,
        on_step=on_step or (lambda policy, step: None),
    )
    return model, history


def test_the_reward_rises_and_equal_seeds_give_identical_weights(tokenizer):
    (first, history), (second, _) = run(tokenizer), run(tokenizer)
    rewards = [step.reward for step in history]
    assert sum(rewards[-4:]) / 4 > sum(rewards[:4]) / 4 + 0.15
    assert [step.step for step in history] == list(range(1, N_STEPS + 1))
    assert history[0].kl == pytest.approx(0, abs=1e-4) and history[-1].kl > 0
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_where_the_reward_is_one_number_nothing_varies(tokenizer):
    _, history = run(tokenizer, reward=lambda prompts, answers: [1.0] * len(answers), allowance=12_000)
    assert {step.share_without_variance for step in history} == {1.0}
    assert {step.refusals for step in history} == {0.0}


@pytest.mark.parametrize("use_cache", [True, False])  # as the model was saved; trainers switch it off
def test_a_step_costs_no_less_than_what_enters_the_models(tokenizer, use_cache):
    assert answer_cost(10, 5) == 4 * 15 + 3 * 15 + 1
    model = new_model(config_for_depth(1, tokenizer), seed=1)
    model.config.use_cache = model.generation_config.use_cache = use_cache
    with metered(tokenizer) as meter:
        _, history = run(tokenizer, allowance=12_000, model=model)
    # The toy reward reads nothing, so one of the four forward passes is not run.
    charged = sum(step.tokens for step in history)
    assert 0.75 * charged < meter.tokens <= charged <= 12_000
    assert len(history) < N_STEPS


def test_every_step_lies_between_the_cheapest_and_the_costliest(tokenizer):
    _, history = run(tokenizer, allowance=12_000)
    for step in history:
        assert cheapest_step(2, len(BATCH)) <= step.tokens <= costliest_step(BATCH, MAX_NEW_TOKENS)
    assert costliest_step(BATCH[:1], MAX_NEW_TOKENS) == N_ANSWERS * answer_cost(3, MAX_NEW_TOKENS)


def test_a_reading_at_a_step_sees_that_steps_model(tokenizer):
    seen = []
    model, history = run(tokenizer, on_step=lambda policy, step: seen.append(policy.model.norm.weight.clone()))
    assert len(seen) == len(history) and not torch.equal(seen[0], seen[-1])
    assert torch.equal(seen[-1], model.model.norm.weight)


def test_a_reward_that_is_not_a_number_is_a_divergence_with_its_step(tokenizer):
    with pytest.raises(TrainingDivergedError, match=r"diverged at step 1: loss, reward or weights .* Last steps: 1:"):
        run(tokenizer, reward=lambda prompts, answers: [math.inf] * len(answers))


def test_a_kl_above_the_bound_is_a_divergence_with_the_rates_so_far(tokenizer, monkeypatch):
    monkeypatch.setattr("stages.lm.reinforcement.MAX_KL", 0.5)
    with pytest.raises(TrainingDivergedError, match=r"the KL to the starting model is .* above 0.5.*reward"):
        run(tokenizer, learning_rate=5e-2)


def test_a_model_that_is_not_finite_is_never_sampled(tokenizer, model):
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    with pytest.raises(TrainingDivergedError, match="step 0: the model's weights are not finite"):
        run(tokenizer, model=model)


def test_an_allowance_below_one_step_is_an_error(tokenizer):
    with pytest.raises(ValueError, match="100 tokens do not pay for one step"):
        run(tokenizer, allowance=100)
