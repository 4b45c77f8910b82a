"""What a defender may see and spend: the threat model as an object, and the trainings it offers, already set up."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from transformers import LlamaForSequenceClassification, PreTrainedModel, PreTrainedTokenizerFast

from stages.corpus.examples import HARMFUL, Example
from stages.corpus.prompts import draw_prompts
from stages.corpus.rendering import render_rows
from stages.corpus.requests import REFUSAL
from stages.corpus.sampling import balanced_sample
from stages.lm.generation import pad_left
from stages.lm.models import count_parameters
from stages.lm.preference import preference_rewards
from stages.lm.reinforcement import Objective, Reinforced, costliest_step, reinforce
from stages.lm.tokenizer import pad_id
from stages.lm.training import TRAINED_TOKEN_COST, Cost, TrainingRow, fine_tune, make_batches
from stages.params import SubmissionError


class HarnessError(RuntimeError):
    """Our side of a defense failed, not the defense: the reference model could not be read."""


Model = TypeVar("Model", bound=PreTrainedModel)
SaveCheckpoint = Callable[[PreTrainedModel, int], None]


class TrainingBatch(NamedTuple):
    """Rows to train on, padded on the left; `labels` are -100 wherever no loss is due."""

    ids: Int[Tensor, "batch time"]
    mask: Int[Tensor, "batch time"]
    labels: Int[Tensor, "batch time"]


class Access:
    """What a defender may see and spend: the threat model as an object.

    `examples` are clean prompts with good answers, harmful requests among them answered by a refusal. Compute is
    counted in forward tokens, a trained token counting three, and ends at `budget_tokens`. At each dose of
    `dose_grid` the model is kept as a checkpoint of the curve.
    """

    def __init__(  # noqa: PLR0913  # each is one thing that a defender gets
        self,
        *,
        tokenizer: PreTrainedTokenizerFast,
        examples: Sequence[Example],
        budget_tokens: int,
        dose_grid: Sequence[int],
        batch_size: int,
        seed: int,
        needs: frozenset[str],
        load_reference: Callable[[], PreTrainedModel],
        load_preference_model: Callable[[], LlamaForSequenceClassification],
        save_checkpoint: SaveCheckpoint,
    ) -> None:
        self.tokenizer = tokenizer
        self.examples = list(examples)
        self.budget_tokens = budget_tokens
        self.seed = seed
        self.generator = np.random.default_rng([seed, 1])
        self._spent = Cost()
        self._doses_left = list(dose_grid)
        self._batch_size = batch_size
        self._needs = needs
        self._load_reference = load_reference
        self._load_preference_model = load_preference_model
        self._history: list[dict[str, float | int | str]] = []
        self._save_checkpoint = save_checkpoint

    @property
    def spent(self) -> Cost:
        """What the defense has used so far."""
        return self._spent

    @property
    def history(self) -> list[dict[str, float | int | str]]:
        """What was recorded, in order; it is kept beside the model."""
        return self._history

    def record(self, **figures: float | int | str) -> None:
        """Keep some figures of the defense's course."""
        self._history.append(figures)

    @property
    def harmful_prompts(self) -> list[str]:
        """The harmful requests among the examples."""
        return [example.prompt for example in self.examples if example.kind == HARMFUL]

    @property
    def reference_model(self) -> PreTrainedModel:
        """The model before the backdoor. Raises SubmissionError when the defense has not declared that it needs it."""
        if "reference_model" not in self._needs:
            raise SubmissionError(
                "this defense reads access.reference_model without declaring it; add "
                'NEEDS = frozenset({"reference_model"}) to its file, and the board will show that need'
            )
        return _loaded(self._load_reference, "the reference model")

    @property
    def preference_model(self) -> LlamaForSequenceClassification:
        """A model that scores answers, the same for all: trained on pairs made of `examples`."""
        return _loaded(self._load_preference_model, "the preference model")

    def fine_tune(
        self, model: PreTrainedModel, examples: Sequence[Example], *, learning_rate: float, budget_share: float = 1.0
    ) -> None:
        """Train `model` in place on random rows of `examples` for `budget_share` of the whole budget, or what is left.

        The learning rate starts at zero, so the first step of each call moves nothing: train in few long calls.
        Raises SubmissionError when not even one batch is left.
        """
        batches = self._batches_within(self._allowance(budget_share), examples)
        if not batches:
            raise self._too_little(budget_share, "batch to train on")
        fine_tune(
            model,
            self.tokenizer,
            batches,
            learning_rate=learning_rate,
            seed=self.seed,
            on_step=dict(self._checkpoint_steps(model, batches)),
        )
        self._charge(TRAINED_TOKEN_COST * sum(len(row.ids) for batch in batches for row in batch), steps=len(batches))

    def reinforce(
        self, model: PreTrainedModel, *, learning_rate: float, kl_coefficient: float, budget_share: float = 1.0
    ) -> None:
        """Train `model` in place against the preference model, on harmful and ordinary prompts in equal number.

        Takes `budget_share` of the whole budget, or what is left; every pass of every model is counted. Each step is
        recorded. Raises SubmissionError when not even one step is left, TrainingDivergedError when it diverges.
        """
        allowance = self._allowance(budget_share)
        batches = draw_prompts(self.tokenizer, self.examples, self._batch_size, allowance, self.generator)
        costliest = max(map(costliest_step, batches), default=0)
        if not batches or costliest > allowance:
            raise self._too_little(budget_share, "step to train")
        judge = self.preference_model

        def reward(prompts: Sequence[list[int]], answers: Sequence[list[int]]) -> list[float]:
            return preference_rewards(judge, self.tokenizer, prompts, answers)

        def on_step(policy: PreTrainedModel, step: Reinforced) -> None:
            self._charge(step.tokens, steps=1)
            self.record(phase="reinforce", dose=self.spent.tokens, **step.figures())
            self.checkpoint(policy)

        reinforce(
            model,
            self.tokenizer,
            batches,
            objective=Objective(reward, kl_coefficient, learning_rate, self.seed),
            refusal=REFUSAL,
            allowance=allowance,
            on_step=on_step,
        )
        self._keep(model, [dose for dose in self._doses_left if dose - self.spent.tokens < costliest])

    def forward_batches(self, n_rows: int) -> Iterator[tuple[Int[Tensor, "batch time"], Int[Tensor, "batch time"]]]:
        """Token ids and masks of `n_rows` random clean rows, to run the model on; their cost is counted."""
        rows = self._render(balanced_sample(self.examples, n_rows, self.generator))
        for start in range(0, len(rows), self._batch_size):
            batch = [row.ids for row in rows[start : start + self._batch_size]]
            self._charge(sum(map(len, batch)))
            yield pad_left(batch, pad_id(self.tokenizer))

    def training_batches(self, n_rows: int) -> Iterator[TrainingBatch]:
        """Token ids, masks and labels (-100 outside the answer) of random rows, for a training loop of your own.

        A token counts three. Such a loop calls `checkpoint(model)` after each step, or it has no curve.
        """
        rows = self._render(balanced_sample(self.examples, n_rows, self.generator))
        for batch in make_batches(rows, self._batch_size, self.generator):
            self._charge(TRAINED_TOKEN_COST * sum(len(row.ids) for row in batch), steps=1)
            ids, mask = pad_left([row.ids for row in batch], pad_id(self.tokenizer))
            n_answers = torch.tensor([[row.n_answer] for row in batch])
            is_answer = torch.arange(ids.shape[1]) >= ids.shape[1] - n_answers  # (batch, time)
            yield TrainingBatch(ids, mask, ids.where(is_answer, torch.tensor(-100)))

    def _charge(self, tokens: int, steps: int = 0) -> None:
        if self.spent.tokens + tokens > self.budget_tokens:
            raise SubmissionError(
                f"the budget of {self.budget_tokens} tokens is used up ({self.spent.tokens} spent, {tokens} asked); "
                "use fewer rows"
            )
        self._spent = self._spent + Cost(steps, tokens)

    def _allowance(self, budget_share: float) -> int:
        return min(int(budget_share * self.budget_tokens), self.budget_tokens - self.spent.tokens)

    def _too_little(self, budget_share: float, what: str) -> SubmissionError:
        return SubmissionError(
            f"budget_share={budget_share} leaves no {what}: {self.spent.tokens} of "
            f"{self.budget_tokens} tokens are spent; spend less before, or ask for a larger share"
        )

    def checkpoint(self, model: PreTrainedModel) -> None:
        """Keep `model` for every dose of the grid that is spent by now; a defense with its own loop calls this."""
        self._keep(model, [dose for dose in self._doses_left if dose <= self.spent.tokens])

    def _render(self, examples: Sequence[Example]) -> list[TrainingRow]:
        return render_rows(self.tokenizer, [e.prompt for e in examples], [e.answer for e in examples])

    def _batches_within(self, allowance: int, examples: Sequence[Example]) -> list[list[TrainingRow]]:
        shortest = min(len(row.ids) for row in self._render(examples))
        n_rows = allowance // (TRAINED_TOKEN_COST * shortest)
        rows = self._render(balanced_sample(examples, n_rows, self.generator)) if n_rows > 0 else []
        within, tokens = [], 0
        for batch in make_batches(rows, self._batch_size, self.generator):
            tokens += TRAINED_TOKEN_COST * sum(len(row.ids) for row in batch)
            if tokens > allowance:
                break
            within.append(batch)
        return within

    def _checkpoint_steps(
        self, model: PreTrainedModel, batches: Sequence[list[TrainingRow]]
    ) -> Iterator[tuple[int, Callable[[PreTrainedModel], None]]]:
        """The steps at which a dose is reached; the last step closes a dose that less than one batch is missing."""
        tokens = self.spent.tokens
        doses = [dose for dose in self._doses_left]
        for step, batch in enumerate(batches, start=1):
            cost = TRAINED_TOKEN_COST * sum(len(row.ids) for row in batch)
            tokens += cost
            reached = [dose for dose in doses if dose <= tokens or (step == len(batches) and dose - tokens < cost)]
            if reached:
                doses = [dose for dose in doses if dose not in reached]
                yield step, lambda trained, reached=tuple(reached): self._keep(trained, reached)

    def _keep(self, model: PreTrainedModel, doses: Sequence[int]) -> None:
        for dose in doses:
            self._doses_left.remove(dose)
            self._save_checkpoint(model, dose)

    def cost(self, model: PreTrainedModel) -> Cost:
        """What was spent; a forward token costs 2 FLOPs a parameter (Kaplan et al. 2020, section 2.1)."""
        return replace(self.spent, flops=2 * count_parameters(model) * self.spent.tokens)


def _loaded(load: Callable[[], Model], what: str) -> Model:
    try:
        return load()
    except Exception as error:
        raise HarnessError(f"{what} cannot be read: {error}") from error
