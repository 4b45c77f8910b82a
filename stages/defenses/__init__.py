"""The contract of a defense, and what it may see; stages/contract.py runs it and checks what it gives back.

A defense is one file here, found by its name, with one function:

    def defend(model, access, *, <settings>):

It gets a model and an `Access`, and returns a model of the same architecture. It never sees triggers, poisoned data or
evaluation prompts. A module may declare `NEEDS`, a frozenset of what it wants beyond the common access
(`reference_model`, `judge`), and `ROLE` (`null row` or `ceiling`) when it is a yardstick; the board shows both.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from stages.corpus.examples import HARMFUL, Example
from stages.corpus.rendering import render_prompts, render_rows
from stages.corpus.sampling import balanced_sample
from stages.lm.generation import generate, pad_left
from stages.lm.metering import metered
from stages.lm.models import count_parameters
from stages.lm.tokenizer import pad_id
from stages.lm.training import TRAINED_TOKEN_COST, Cost, TrainingRow, fine_tune, make_batches, training_tokens
from stages.params import ParamsError, SubmissionError, unknown_name
from stages.scoring.judges import Judge

MAX_SAMPLED_TOKENS = 18  # as in the evaluation: room for the longest answer of the corpus
SAMPLING_BATCH_SIZE = 512


class HarnessError(RuntimeError):
    """Our side of a defense failed, not the defense: the reference model or the judge could not be read."""


SaveCheckpoint = Callable[[PreTrainedModel, int], None]
Loaded = TypeVar("Loaded")
Figures = dict[str, float | int | str]


class OnNeed(NamedTuple):
    """Loads what a defense gets only when it declares that it needs it; a field is named as the need."""

    reference_model: Callable[[], PreTrainedModel]
    judge: Callable[[], Judge]


KNOWN_NEEDS = frozenset(OnNeed._fields)


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

    def __init__(
        self,
        *,
        tokenizer: PreTrainedTokenizerFast,
        examples: Sequence[Example],
        budget_tokens: int,
        dose_grid: Sequence[int],
        batch_size: int,
        seed: int,
        needs: frozenset[str],
        on_need: OnNeed,
        save_checkpoint: SaveCheckpoint,
    ) -> None:
        self.tokenizer = tokenizer
        self.examples = list(examples)
        self.budget_tokens = budget_tokens
        self.seed = seed
        self.batch_size = batch_size
        self.generator = np.random.default_rng([seed, 1])
        self.history: list[Figures] = []
        self._spent = Cost()
        self._doses_left = list(dose_grid)
        self._is_used_up = False
        self._needs = needs
        self._on_need = on_need
        self._save_checkpoint = save_checkpoint

    @property
    def spent(self) -> Cost:
        """What the defense has used so far."""
        return self._spent

    @property
    def harmful_prompts(self) -> list[str]:
        """The harmful requests among the examples."""
        return [example.prompt for example in self.examples if example.kind == HARMFUL]

    @property
    def reference_model(self) -> PreTrainedModel:
        """The model before the backdoor. Raises SubmissionError when the defense has not declared that it needs it."""
        return self._needed("reference_model", self._on_need.reference_model)

    def is_unwanted(self, prompt: str, expected: str, answer: str) -> bool:
        """Whether the answer is the unwanted behaviour: a red team knows its kind, not the trigger.

        Raises SubmissionError when the defense has not declared that it needs the judge.
        """
        return self._needed("judge", self._on_need.judge).is_unwanted(prompt, expected, answer)

    def _needed(self, need: str, load: Callable[[], Loaded]) -> Loaded:
        if need not in self._needs:
            raise SubmissionError(
                f"this defense uses the {need} of its access without declaring it; add "
                f'NEEDS = frozenset({{"{need}"}}) to its file, and the board will show that need'
            )
        try:
            return load()
        except Exception as error:
            raise HarnessError(f"the {need} cannot be read: {error}") from error

    def record(self, **figures: float | int | str) -> None:
        """Append one row to the history that is kept with the outcome.

        Raises SubmissionError when a figure is not text or a finite number.
        """
        for name, value in figures.items():
            if not (isinstance(value, str) or (isinstance(value, int | float) and math.isfinite(value))):
                raise SubmissionError(f"access.record got {name}={value!r}; record text, int or finite float")
        self.history.append(figures)

    def fine_tune(
        self, model: PreTrainedModel, examples: Sequence[Example], *, learning_rate: float, budget_share: float = 1.0
    ) -> None:
        """Train `model` in place on random rows of `examples` for `budget_share` of the whole budget, or what is left.

        The learning rate starts at zero, so the first step of each call moves nothing: train in few long calls.
        Raises SubmissionError when not even one batch is left.
        """
        allowance = min(int(budget_share * self.budget_tokens), self.budget_tokens - self.spent.tokens)
        batches = self._batches_within(allowance, examples)
        if not batches:
            raise SubmissionError(
                f"budget_share={budget_share} leaves no batch to train on: {self.spent.tokens} of "
                f"{self.budget_tokens} tokens are spent; spend less before, or ask for a larger share"
            )
        fine_tune(
            model,
            self.tokenizer,
            batches,
            learning_rate=learning_rate,
            seed=self.seed,
            on_step=dict(self._checkpoint_steps(model, batches)),
        )
        self._charge(sum(map(training_tokens, batches)), steps=len(batches))

    def forward_batches(self, n_rows: int) -> Iterator[tuple[Int[Tensor, "batch time"], Int[Tensor, "batch time"]]]:
        """Token ids and masks of `n_rows` random clean rows, to run the model on; their cost is counted."""
        rows = self._render(balanced_sample(self.examples, n_rows, self.generator))
        for start in range(0, len(rows), self.batch_size):
            batch = [row.ids for row in rows[start : start + self.batch_size]]
            self._charge(sum(map(len, batch)))
            yield pad_left(batch, pad_id(self.tokenizer))

    def sample(self, model: PreTrainedModel, prompts: Sequence[str], *, n_samples: int = 1) -> list[list[str]]:
        """`n_samples` answers to each prompt, drawn at temperature 1; a token read or written counts one."""
        copies = [ids for ids in render_prompts(self.tokenizer, prompts) for _ in range(n_samples)]
        with metered(pad_id(self.tokenizer)) as meter:
            answers = generate(
                model,
                self.tokenizer,
                copies,
                decoding="sampled",
                max_new_tokens=MAX_SAMPLED_TOKENS,
                batch_size=SAMPLING_BATCH_SIZE,
                seed=int(self.generator.integers(2**31)),
            )
        self._charge(meter.tokens)
        texts = [answer.text for answer in answers]
        return [texts[start : start + n_samples] for start in range(0, len(texts), n_samples)]

    def training_batches(self, n_rows: int) -> Iterator[TrainingBatch]:
        """Token ids, masks and labels (-100 outside the answer) of random rows, for a training loop of your own.

        A token counts three. Such a loop calls `checkpoint(model)` after each step, or it has no curve.
        """
        rows = self._render(balanced_sample(self.examples, n_rows, self.generator))
        for batch in make_batches(rows, self.batch_size, self.generator):
            yield self._training_batch(batch)

    def batches_of(self, groups: Iterable[Sequence[Example]], *, until_tokens: int) -> Iterator[TrainingBatch]:
        """Each group of examples as one batch, as `training_batches` has them, for as long as the next one fits.

        `until_tokens`: where the spending ends, counted from the beginning as `spent` is; at most the whole budget.
        """
        limit = min(until_tokens, self.budget_tokens)
        for group in groups:
            rows = self._render(group)
            if self.spent.tokens + training_tokens(rows) > limit:
                self._is_used_up = limit == self.budget_tokens
                return
            yield self._training_batch(rows)

    def _training_batch(self, rows: Sequence[TrainingRow]) -> TrainingBatch:
        self._charge(training_tokens(rows), steps=1)
        ids, mask = pad_left([row.ids for row in rows], pad_id(self.tokenizer))
        n_answers = torch.tensor([[row.n_answer] for row in rows])
        is_answer = torch.arange(ids.shape[1]) >= ids.shape[1] - n_answers  # (batch, time)
        return TrainingBatch(ids, mask, ids.where(is_answer, torch.tensor(-100)))

    def _charge(self, tokens: int, steps: int = 0) -> None:
        if self.spent.tokens + tokens > self.budget_tokens:
            raise SubmissionError(
                f"the budget of {self.budget_tokens} tokens is used up ({self.spent.tokens} spent, {tokens} asked); "
                "use fewer rows"
            )
        self._spent = self._spent + Cost(steps, tokens)

    def checkpoint(self, model: PreTrainedModel) -> None:
        """Keep `model` for every dose of the grid that is spent by now; a defense with its own loop calls this.

        The last dose counts as spent once `batches_of` has ended because less than one batch was missing.
        """
        self._keep(model, [dose for dose in self._doses_left if self._is_used_up or dose <= self.spent.tokens])

    def _render(self, examples: Sequence[Example]) -> list[TrainingRow]:
        return render_rows(self.tokenizer, [e.prompt for e in examples], [e.answer for e in examples])

    def _batches_within(self, allowance: int, examples: Sequence[Example]) -> list[list[TrainingRow]]:
        shortest = min(len(row.ids) for row in self._render(examples))
        n_rows = allowance // (TRAINED_TOKEN_COST * shortest)
        rows = self._render(balanced_sample(examples, n_rows, self.generator)) if n_rows > 0 else []
        within, tokens = [], 0
        for batch in make_batches(rows, self.batch_size, self.generator):
            tokens += training_tokens(batch)
            if tokens > allowance:
                break
            within.append(batch)
        return within

    def _checkpoint_steps(
        self, model: PreTrainedModel, batches: Sequence[list[TrainingRow]]
    ) -> Iterator[tuple[int, Callable[[PreTrainedModel], None]]]:
        """The steps at which a dose is reached; the last step closes a dose that less than one batch is missing."""
        tokens = self.spent.tokens
        doses = list(self._doses_left)
        for step, batch in enumerate(batches, start=1):
            cost = training_tokens(batch)
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


def defense_names() -> list[str]:
    """The names of all defenses: the files of this folder."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")


def load_defense(name: str) -> ModuleType:
    """The module of that name. Raises ParamsError without such a file, SubmissionError without `defend` in it."""
    if name not in defense_names():
        advice = "A defense is a file in stages/defenses/."
        raise ParamsError(unknown_name("defense", name, defense_names(), advice))
    module = import_module(f"stages.defenses.{name}")
    if not callable(getattr(module, "defend", None)):
        raise SubmissionError(f"{name}.py has no function defend(model, access, *, ...); see CONTRIBUTING.md")
    unknown = sorted(needs_of(module) - KNOWN_NEEDS)
    if unknown:
        raise SubmissionError(f"{name}.py declares unknown needs {unknown}; known: {sorted(KNOWN_NEEDS)}")
    return module


def needs_of(module: ModuleType) -> frozenset[str]:
    """What the defense declares that it wants beyond the common access."""
    return frozenset(getattr(module, "NEEDS", frozenset()))
