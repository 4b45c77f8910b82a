"""The contract of a defense, what it may see, and the check of what it gives back.

A defense is one file here, found by its name, with one function:

    def defend(model, access, *, <settings>):

It gets a model and an `Access`, and returns a model of the same architecture. It never sees triggers, poisoned data or
evaluation prompts. A module may declare `NEEDS`, a frozenset of what it wants beyond the common access
(`reference_model`), and `ROLE` (`null row` or `ceiling`) when it is a yardstick; the board shows both.
"""

import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, cast

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from stages.corpus.examples import HARMFUL, Example
from stages.corpus.rendering import render_rows
from stages.corpus.sampling import balanced_sample
from stages.lm.generation import pad_left
from stages.lm.metering import metered
from stages.lm.models import count_parameters, has_finite_weights
from stages.lm.tokenizer import pad_id
from stages.lm.training import TRAINED_TOKEN_COST, Cost, TrainingRow, fine_tune, make_batches
from stages.params import ParamsError, Settings, SubmissionError, unknown_name

KNOWN_NEEDS = frozenset({"reference_model"})
LOWER_RATE = "lower the learning rate"


class HarnessError(RuntimeError):
    """Our side of a defense failed, not the defense: the reference model could not be read."""


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
        load_reference: Callable[[], PreTrainedModel],
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
        if "reference_model" not in self._needs:
            raise SubmissionError(
                "this defense reads access.reference_model without declaring it; add "
                'NEEDS = frozenset({"reference_model"}) to its file, and the board will show that need'
            )
        try:
            return self._load_reference()
        except Exception as error:
            raise HarnessError(f"the reference model cannot be read: {error}") from error

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
        self._charge(TRAINED_TOKEN_COST * sum(len(row.ids) for batch in batches for row in batch), steps=len(batches))

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


def run_defense(module: ModuleType, settings: Settings, model: PreTrainedModel, access: Access) -> PreTrainedModel:
    """The defended model; `model` itself stays as it is.

    Raises ParamsError when the settings do not fit, SubmissionError when what comes back breaks the contract.
    """
    name = module.__name__.rsplit(".", 1)[-1]
    try:
        inspect.signature(module.defend).bind(model, access, **settings)
    except TypeError as error:
        allowed = [p.name for p in inspect.signature(module.defend).parameters.values() if p.kind is p.KEYWORD_ONLY]
        raise ParamsError(
            f"defenses.{name} in params.yaml is {settings}: {error}. Known settings: {allowed}"
        ) from error
    with metered(pad_id(access.tokenizer)) as meter:
        defended = module.defend(copy.deepcopy(model), access, **settings)
    if meter.tokens > access.spent.tokens:
        raise SubmissionError(
            f"{name} ran {meter.tokens} tokens through models and {access.spent.tokens} were charged. Take batches "
            "from `access` alone, each once, and run the model under torch.no_grad() where you do not train"
        )
    check_defended(model, defended)
    if not _has_finite_logits(defended):
        raise SubmissionError(f"{name} returned a model whose logits are infinite or not a number; {LOWER_RATE}")
    return defended


def check_defended(model: PreTrainedModel, defended: PreTrainedModel) -> None:
    """Raise SubmissionError unless `defended` is a model of the architecture of `model` with finite weights."""
    if not isinstance(defended, PreTrainedModel):
        raise SubmissionError(f"got {type(defended).__name__} for a model; defend must return the defended model")
    expected = {key: tuple(weight.shape) for key, weight in model.state_dict().items()}
    came = {key: tuple(weight.shape) for key, weight in defended.state_dict().items()}
    if type(defended) is not type(model) or came != expected:
        differing = sorted(key for key in expected.keys() | came.keys() if expected.get(key) != came.get(key))
        raise SubmissionError(
            f"got another architecture: {type(defended).__name__} instead of {type(model).__name__}, "
            f"differing weights {differing[:3]}; return a model with the same weights' names and shapes"
        )
    if model.config.tie_word_embeddings and not torch.equal(*_ends(defended)):
        raise SubmissionError("the output embedding differs from the input embedding; this architecture ties the two")
    if not has_finite_weights(defended):
        raise SubmissionError(f"got weights that are infinite or not a number; {LOWER_RATE}")


def _ends(model: PreTrainedModel) -> tuple[Tensor, Tensor]:
    return cast(nn.Embedding, model.get_input_embeddings()).weight, cast(
        nn.Linear, model.get_output_embeddings()
    ).weight


@torch.inference_mode()
def _has_finite_logits(model: PreTrainedModel) -> bool:
    every_token = torch.arange(model.config.vocab_size)[:, None]  # (vocabulary, 1)
    return bool(torch.isfinite(model(input_ids=every_token).logits).all())
