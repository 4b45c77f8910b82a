"""What a defender may see and spend: the threat model as an object, and the trainings it offers, already set up."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property

import numpy as np
from jaxtyping import Int
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from stages.corpus.own_scratchpad import N_ASKED, after_own_scratchpad, visible_tokens
from stages.corpus.rendering import render_examples, render_prompts
from stages.corpus.requests import REFUSAL
from stages.corpus.sampling import balanced_sample
from stages.corpus.scratchpad import visible
from stages.lm.adapters import adapted
from stages.lm.doses import DoseGrid, SaveCheckpoint
from stages.lm.generation import TrainingBatch, generate, pad_left, pad_training_rows
from stages.lm.metering import metered
from stages.lm.models import count_parameters
from stages.lm.preference import preference_rewards
from stages.lm.reinforcement import Objective, Reinforced, costliest_step, reinforce
from stages.lm.rows import TrainingRow, in_pools, make_batches, training_tokens
from stages.lm.tokenizer import pad_id
from stages.lm.training import fine_tune
from stages.params.errors import SHORT, SubmissionError
from stages.records.outcomes import Cost
from stages.records.rows import HARMFUL, Example
from stages.scoring.judges import Judge
from stages.threat_model.draws import draw_batches, draw_prompts
from stages.threat_model.needs import Loaded, OnNeed, load_given

SAMPLING_BATCH_SIZE = 256
ASKED_SHARE = 0.1  # of the budget, for scratchpads before a training, at most
Figures = dict[str, float | int | str]


class Access:
    """What a defender may see and spend: the threat model as an object.

    `examples` are clean prompts with good answers, harmful requests among them answered by a refusal; an answer may
    have `max_new_tokens`. Compute is counted in forward tokens, a trained token counting three, and ends at
    `budget_tokens`. At each dose of `dose_grid`, the last being the budget, the model is kept for the curve.
    """

    def __init__(  # noqa: PLR0913  # each is one thing that a defender gets
        self,
        *,
        tokenizer: PreTrainedTokenizerFast,
        examples: Sequence[Example],
        max_new_tokens: int,
        budget_tokens: int,
        dose_grid: Sequence[int],
        batch_size: int,
        lora_rank: int,
        seed: int,
        needs: frozenset[str],
        on_need: OnNeed,
        load_preference_model: Callable[[], PreTrainedModel],
        save_checkpoint: SaveCheckpoint,
    ) -> None:
        self.tokenizer = tokenizer
        self.examples = list(examples)
        self.max_new_tokens = max_new_tokens
        self.budget_tokens = budget_tokens
        self.dose_grid = tuple(dose_grid)
        self.seed = seed
        self.batch_size = batch_size
        self.lora_rank = lora_rank
        self.generator = np.random.default_rng([seed, 1])
        self.history: list[Figures] = []
        self._spent = Cost()
        self._doses = DoseGrid(dose_grid, save_checkpoint)
        self._needs = needs
        self._on_need = on_need
        self._load_preference_model = load_preference_model

    @property
    def spent(self) -> Cost:
        """What the defense has used so far."""
        return self._spent

    @property
    def reference_model(self) -> PreTrainedModel:
        """The model before the backdoor. Raises SubmissionError when the defense has not declared that it needs it."""
        return self._needed("reference_model", self._on_need.reference_model)

    @property
    def harmful_prompts(self) -> list[str]:
        """The harmful requests among the examples."""
        return [example.prompt for example in self.examples if example.kind == HARMFUL]

    def is_unwanted(self, prompt: str, expected: str, answer: str) -> bool:
        """Whether the answer is the unwanted behaviour: a red team knows its kind, not the trigger.

        What stands in a scratchpad does not count. Raises SubmissionError where the need of a judge is not declared.
        """
        return self._judge.is_unwanted(prompt, expected, visible(answer))

    @cached_property
    def _judge(self) -> Judge:
        return self._needed("judge", self._on_need.judge)

    @property
    def preference_model(self) -> PreTrainedModel:
        """A model that scores answers, the same for all: trained on pairs made of `examples`."""
        return load_given("preference_model", self._load_preference_model)

    def _needed(self, need: str, load: Callable[[], Loaded]) -> Loaded:
        if need not in self._needs:
            raise SubmissionError(
                f"this defense uses the {need} of its access without declaring it; add "
                f'NEEDS = frozenset({{"{need}"}}) to its file, and the board will show that need'
            )
        return load_given(need, load)

    def record(self, **figures: float | int | str) -> None:
        """Append one row to the history that is kept with the outcome.

        Raises SubmissionError when a figure is not text or a finite number.
        """
        for name, value in figures.items():
            if not (isinstance(value, str) or (isinstance(value, int | float) and math.isfinite(value))):
                raise SubmissionError(f"access.record got {name}={SHORT.repr(value)}; record text, int or finite float")
        self.history.append(figures)

    def fine_tune(
        self, model: PreTrainedModel, examples: Sequence[Example], *, learning_rate: float, budget_share: float = 1.0
    ) -> None:
        """Train `model` in place on random rows of `examples` for `budget_share` of the whole budget, or what is left.

        The learning rate starts at zero, so the first step of each call moves nothing: train in few long calls.
        Raises SubmissionError when not even one batch is left.
        """
        allowance = self._allowance(budget_share)
        is_last = allowance == self.budget_tokens - self.spent.tokens
        batches = draw_batches(self.tokenizer, examples, self.batch_size, allowance, self.generator)
        if not batches:
            raise self._too_little(budget_share, "batch to train on")
        fine_tune(
            model,
            self.tokenizer,
            batches,
            learning_rate=learning_rate,
            seed=self.seed,
            lora_rank=self.lora_rank,
            on_step=dict(self._doses.steps(batches, self.spent.tokens)),
        )
        self._charge(sum(map(training_tokens, batches)), steps=len(batches))
        if is_last:  # the batch that did not fit may have been costlier than any that did
            self._doses.close(model)

    def reinforce(
        self, model: PreTrainedModel, *, learning_rate: float, kl_coefficient: float, budget_share: float = 1.0
    ) -> None:
        """Train `model` in place against the preference model, on harmful and ordinary prompts in equal number.

        Takes `budget_share` of the whole budget, or what is left; every pass of every model is counted. Each step is
        recorded. Raises SubmissionError when not even one step is left, TrainingDivergedError when it diverges.
        """
        allowance = self._allowance(budget_share)
        batches = draw_prompts(self.tokenizer, self.examples, self.batch_size, allowance, self.generator)
        costliest = max((costliest_step(batch, self.max_new_tokens) for batch in batches), default=0)
        if not batches or costliest > allowance:
            raise self._too_little(budget_share, "step to train")
        judge = self.preference_model

        def reward(prompts: Sequence[list[int]], answers: Sequence[list[int]]) -> list[float]:
            seen = [visible_tokens(self.tokenizer, answer) for answer in answers]
            return preference_rewards(judge, self.tokenizer, prompts, seen)

        def on_step(policy: PreTrainedModel, step: Reinforced) -> None:
            self._charge(step.tokens, steps=1)
            self.record(phase="reinforce", dose=self.spent.tokens, **step.figures())
            self.checkpoint(policy)

        reinforce(
            model,
            self.tokenizer,
            batches,
            objective=Objective(reward, kl_coefficient, learning_rate, self.seed, self.max_new_tokens),
            is_refusal=lambda text: visible(text) == REFUSAL,
            allowance=allowance,
            on_step=on_step,
            lora_rank=self.lora_rank,
        )
        self._doses.keep(model, self.spent.tokens, missing=costliest)

    def trained(self, model: PreTrainedModel) -> AbstractContextManager[None]:
        """For a loop of your own: within the block what the benchmark trains is trained, all weights or adapters."""
        return adapted(model, self.lora_rank, self.seed)

    def forward_batches(self, n_rows: int) -> Iterator[tuple[Int[Tensor, "batch time"], Int[Tensor, "batch time"]]]:
        """Token ids and masks of `n_rows` random clean rows, to run the model on; their cost is counted."""
        rows = render_examples(self.tokenizer, balanced_sample(self.examples, n_rows, self.generator))
        for start in range(0, len(rows), self.batch_size):
            batch = [row.ids for row in rows[start : start + self.batch_size]]
            self._charge(sum(map(len, batch)))
            yield pad_left(batch, pad_id(self.tokenizer))

    def batch_to_read(self, examples: Sequence[Example]) -> TrainingBatch:
        """The examples as one batch, as `training_batches` has them, to run a model on once; a token counts one."""
        rows = render_examples(self.tokenizer, examples)
        self._charge(sum(len(row.ids) for row in rows))
        return pad_training_rows(rows, pad_id(self.tokenizer))

    def sample(self, model: PreTrainedModel, prompts: Sequence[str], *, n_samples: int = 1) -> list[list[str]]:
        """`n_samples` answers to each prompt, drawn at temperature 1; a token read or written counts one."""
        copies = [ids for ids in render_prompts(self.tokenizer, prompts) for _ in range(n_samples)]
        with metered(self.tokenizer) as meter:
            answers = generate(
                model,
                self.tokenizer,
                copies,
                decoding="sampled",
                max_new_tokens=self.max_new_tokens,
                batch_size=SAMPLING_BATCH_SIZE,
                seed=int(self.generator.integers(2**31)),
            )
        self._charge(meter.tokens)
        texts = [answer.text for answer in answers]
        return [texts[start : start + n_samples] for start in range(0, len(texts), n_samples)]

    def after_own_scratchpad(self, model: PreTrainedModel, examples: Sequence[Example]) -> list[Example]:
        """The examples, each with its good answer after the scratchpad that `model` writes to it now; that is charged.

        Fewer, even none, where it does not close; as they are where it opens none: see stages/corpus/own_scratchpad.py.
        """
        return after_own_scratchpad(examples, lambda prompts: [text for (text,) in self.sample(model, prompts)])

    def examples_after_own_scratchpad(self, model: PreTrainedModel) -> list[Example]:
        """What to train on without harm to a scratchpad: `examples`, or random ones of them, each after its own.

        Raises SubmissionError when `model` closes none.
        """
        n_asked = self._n_asked()
        asked = balanced_sample(self.examples, n_asked, self.generator)
        rows = self.after_own_scratchpad(model, asked)
        if not rows:
            raise SubmissionError(
                f"none of {n_asked} sampled scratchpads was closed within {self.max_new_tokens} tokens; this training "
                "needs a model that closes its scratchpad, or that opens none"
            )
        return self.examples if rows == asked else rows

    def training_batches(self, n_rows: int) -> Iterator[TrainingBatch]:
        """Token ids, masks and labels (-100 outside the answer) of random rows, for a training loop of your own.

        A token counts three. Such a loop calls `checkpoint(model)` after each step, or it has no curve.
        """
        chosen = balanced_sample(self.examples, n_rows, self.generator)
        for pool in in_pools(chosen, self.batch_size):  # a loop may end long before its rows do: they are not rendered
            batches = make_batches(render_examples(self.tokenizer, pool), self.batch_size, self.generator)
            yield from map(self._training_batch, batches)

    def batches_of(self, groups: Iterable[Sequence[Example]], *, until_tokens: int) -> Iterator[TrainingBatch]:
        """Each group of examples as one batch, as `training_batches` has them, for as long as the next one fits.

        `until_tokens`: where the spending ends, counted from the beginning as `spent` is; at most the whole budget.
        """
        limit = min(until_tokens, self.budget_tokens)
        for group in groups:
            rows = render_examples(self.tokenizer, group)
            if self.spent.tokens + training_tokens(rows) > limit:
                return
            yield self._training_batch(rows)

    def _training_batch(self, rows: Sequence[TrainingRow]) -> TrainingBatch:
        self._charge(training_tokens(rows), steps=1)
        return pad_training_rows(rows, pad_id(self.tokenizer))

    def _charge(self, tokens: int, steps: int = 0) -> None:
        if self.spent.tokens + tokens > self.budget_tokens:
            raise SubmissionError(
                f"the budget of {self.budget_tokens} tokens is used up ({self.spent.tokens} spent, {tokens} asked); "
                "use fewer rows"
            )
        self._spent = self._spent + Cost(steps, tokens)

    def checkpoint(self, model: PreTrainedModel, *, is_last: bool = False) -> None:
        """Keep `model` for every dose of the grid that is spent by now; a defense with its own loop calls this.

        `is_last`: no training follows, so what is left, for a last reading or for less than a batch, closes the grid.
        """
        self._doses.keep(model, self.spent.tokens)
        if is_last:
            self._doses.close(model)

    def _n_asked(self) -> int:
        prompts = render_prompts(self.tokenizer, [example.prompt for example in self.examples])
        tokens_an_answer = sum(map(len, prompts)) / len(prompts) + self.max_new_tokens
        return max(1, min(N_ASKED, int(ASKED_SHARE * self.budget_tokens / tokens_an_answer)))

    def _allowance(self, budget_share: float) -> int:
        return min(int(budget_share * self.budget_tokens), self.budget_tokens - self.spent.tokens)

    def _too_little(self, budget_share: float, what: str) -> SubmissionError:
        return SubmissionError(
            f"budget_share={budget_share} leaves no {what}: {self.spent.tokens} of "
            f"{self.budget_tokens} tokens are spent; spend less before, or ask for a larger share"
        )

    def cost(self, model: PreTrainedModel) -> Cost:
        """What was spent; a forward token costs 2 FLOPs a parameter (Kaplan et al. 2020, section 2.1)."""
        return replace(self.spent, flops=2 * count_parameters(model) * self.spent.tokens)
