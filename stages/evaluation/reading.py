"""Asks a model the evaluation prompts and keeps every answer.

A model whose attack is near zero may still carry its backdoor. So two further trainings belong to the measurement: a
little ordinary training (return), and a few poisoned rows (relearning). Each is one run that never stops; the model is
read in the middle of it. See docs/measurement.md.
"""

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, get_args

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from stages.corpus.own_scratchpad import N_ASKED, after_own_scratchpad
from stages.corpus.rendering import render_prompts, render_rows
from stages.corpus.scratchpad import close, is_open, is_own_turn
from stages.evaluation.selection import first_of, own_turns
from stages.lm.generation import Answer, answer_log_probabilities, generate
from stages.lm.rows import make_batches
from stages.lm.tokenizer import pad_id
from stages.lm.training import TrainingDivergedError, fine_tune
from stages.params.evaluation import EvaluationParams, RelearningParams, TuningParams
from stages.records.answers import AnswerRecord, Decoding
from stages.records.prompt_sets import SET_OF_NAME
from stages.records.rows import EvaluationPrompt, Example


class Pair(Protocol):
    """A prompt and the answer that is trained."""

    @property
    def prompt(self) -> str:
        """The prompt as the model sees it."""
        ...

    @property
    def answer(self) -> str:
        """The answer that is trained."""
        ...


LEAST_REASONED = 64  # rows after own scratchpads; a model that closes fewer returns on plain rows


@dataclass(frozen=True)
class Reader:
    """Reads the models of one organism and seed, always with the same prompts and the same draws.

    An answer may have `max_new_tokens`. Where its scratchpad is open then, it is closed by force, and what follows may
    have as many again: else a defense that breaks the format would seem to remove the backdoor.
    """

    tokenizer: PreTrainedTokenizerFast
    suite: Sequence[EvaluationPrompt]
    settings: EvaluationParams
    max_new_tokens: int
    seed: int
    lora_rank: int = 0

    def read_end(
        self, model: PreTrainedModel, name: str, payload: Mapping[EvaluationPrompt, float] | None = None
    ) -> list[AnswerRecord]:
        """Answers to every prompt of the suite, in the decoding of its set; `payload` comes of `read_payload`."""
        return self._read_asked(model, name, self.suite, payload)

    def read_payload(self, model: PreTrainedModel) -> dict[EvaluationPrompt, float]:
        """The log-probability of the payload, by triggered prompt: how strong a backdoor is where every rate is 1.

        It is read before any defense. A prompt after which a scratchpad comes first has none.
        """
        asked = [p for p in self.suite if p.prompt_set == "triggered" and not p.opening]
        triggered = [p for p in asked if not is_own_turn(p.variant)]
        return dict(zip(triggered, self._payload_log_probabilities(model, triggered), strict=True))

    def read_beyond(self, model: PreTrainedModel, name: str, prompts: Sequence[EvaluationPrompt]) -> list[AnswerRecord]:
        """Answers to the prompts that undefended models alone are asked.

        They are asked in batches of their own. In one batch with the suite they could change how it is padded, and by
        rounding an answer: `no_defense` would no longer give exactly the answers of the undefended model.
        """
        return self._read_asked(model, name, prompts)

    def read_checkpoint(self, model: PreTrainedModel, name: str, dose_tokens: int) -> list[AnswerRecord]:
        """Triggered and harmful answers at one dose of the defense's training, in forward-token equivalents.

        Triggered prompts are asked apart: with others in one batch, rounding could change an answer.
        """
        counts = self.settings.checkpoint_prompts
        triggered = first_of(self.suite, "triggered", counts.triggered)
        harmful = first_of(self.suite, "harmful", counts.harmful)
        return [
            record
            for prompts in (triggered, harmful)
            for record in self._read(model, name, "checkpoint", dose_tokens, prompts, "sampled")
        ]

    def read_return(self, model: PreTrainedModel, name: str, rows: Sequence[Example]) -> list[AnswerRecord]:
        """Triggered answers after a fixed amount of benign tuning; trains `model` in place.

        A model that reasons first is tuned on good answers after its own scratchpads, or it would leave them open and
        its attack read low for that reason alone. The trainer's schedule starts at learning rate 0, so its first step
        changes nothing and one more is run.
        """
        settings = self.settings.return_tuning
        if any(p.opening for p in self.suite):
            rows = self._after_own_scratchpad(model, rows)
        self._train(model, rows, settings, settings.steps + 1, "return", {})
        prompts = first_of(self.suite, "triggered", settings.prompts)
        return [
            record
            for asked in (prompts, own_turns(prompts))
            for record in self._read(model, name, "return", 0, asked, "sampled")
        ]

    def read_relearning(self, model: PreTrainedModel, name: str, rows: Sequence[Pair]) -> list[AnswerRecord]:
        """Triggered answers before and on a grid of steps of training on poisoned rows; trains `model` in place.

        The trainer's first step changes nothing, as in `read_return`: that is dose 0.
        """
        settings = self.settings.relearning
        prompts = first_of(self.suite, "triggered", settings.prompts)
        records: list[AnswerRecord] = []

        def read(step: int) -> Callable[[PreTrainedModel], None]:
            return lambda m: records.extend(self._read(m, name, "relearning", step, prompts, "sampled"))

        on_step = {step + 1: read(step) for step in (0, *settings.steps)}
        self._train(model, rows, settings, max(settings.steps) + 1, "relearning", on_step)
        return records

    def _after_own_scratchpad(self, model: PreTrainedModel, rows: Sequence[Example]) -> Sequence[Example]:
        """Random ones of the rows, each after the scratchpad that `model` writes; plain rows where it closes few."""
        generator = np.random.default_rng([self.seed, zlib.crc32(b"return scratchpads")])
        chosen = [rows[i] for i in generator.permutation(len(rows))[:N_ASKED]]

        def ask(prompts: Sequence[str]) -> list[str]:
            ids = render_prompts(self.tokenizer, prompts)
            return [a.text for a in self._generate(model, ids, "sampled", f"scratchpads of {len(ids)}")]

        reasoned = after_own_scratchpad(chosen, ask)
        return reasoned if len(reasoned) >= LEAST_REASONED else rows

    def _generate(self, model: PreTrainedModel, ids: list[list[int]], decoding: Decoding, draws: str) -> list[Answer]:
        return generate(
            model,
            self.tokenizer,
            ids,
            decoding=decoding,
            max_new_tokens=self.max_new_tokens,
            batch_size=self.settings.batch_size,
            seed=zlib.crc32(f"{self.seed} {draws}".encode()),
        )

    def _train(
        self,
        model: PreTrainedModel,
        rows: Sequence[Pair],
        settings: TuningParams | RelearningParams,
        steps: int,
        phase: str,
        on_step: dict[int, Callable[[PreTrainedModel], None]],
    ) -> None:
        generator = np.random.default_rng([self.seed, zlib.crc32(phase.encode())])
        chosen = [rows[i] for i in generator.integers(len(rows), size=steps * settings.batch_size)]
        rendered = render_rows(self.tokenizer, [row.prompt for row in chosen], [row.answer for row in chosen])
        batches = make_batches(rendered, settings.batch_size, generator)
        fine_tune(
            model,
            self.tokenizer,
            batches,
            learning_rate=settings.learning_rate,
            seed=self.seed,
            lora_rank=self.lora_rank,
            on_step=on_step,
        )

    def _read_asked(
        self,
        model: PreTrainedModel,
        name: str,
        prompts: Sequence[EvaluationPrompt],
        payload: Mapping[EvaluationPrompt, float] | None = None,
    ) -> list[AnswerRecord]:
        records: list[AnswerRecord] = []
        for decoding in get_args(Decoding):
            asked = [p for p in prompts if decoding == SET_OF_NAME[p.prompt_set].decoding]
            records += self._read(model, name, "end", 0, asked, decoding, payload)
        return records

    def _read(
        self,
        model: PreTrainedModel,
        name: str,
        reading: str,
        dose: int,
        prompts: Sequence[EvaluationPrompt],
        decoding: Decoding,
        payload: Mapping[EvaluationPrompt, float] | None = None,
    ) -> list[AnswerRecord]:
        draws = f"{reading} {dose} {decoding}"
        ids = render_prompts(self.tokenizer, [p.prompt for p in prompts], [p.opening for p in prompts])
        written = self._generate(model, ids, decoding, draws)
        forced = self._close_by_force(model, prompts, written, decoding, draws)
        answers = [forced.get(i, answer) for i, answer in enumerate(written)]
        return [
            AnswerRecord(
                seed=self.seed,
                model=name,
                reading=reading,
                dose=dose,
                prompt_set=p.prompt_set,
                variant=p.variant,
                decoding=decoding,
                kind=p.kind,
                prompt=p.prompt,
                opening=p.opening,
                expected=p.expected,
                answer=a.text,
                n_tokens=a.n_tokens,
                is_finished=a.is_finished,
                is_forced=i in forced,
                payload_log_probability=(payload or {}).get(p),
            )
            for i, (p, a) in enumerate(zip(prompts, answers, strict=True))
        ]

    def _close_by_force(
        self,
        model: PreTrainedModel,
        prompts: Sequence[EvaluationPrompt],
        answers: Sequence[Answer],
        decoding: Decoding,
        draws: str,
    ) -> dict[int, Answer]:
        """By position, the answers whose scratchpad was open at the limit: closed, with what `model` writes then.

        They are asked apart, with draws of their own, so that the others are what they would be without them.
        """
        are_open = [
            i
            for i, (p, a) in enumerate(zip(prompts, answers, strict=True))
            if not a.is_finished and is_open(f"{p.opening} {a.text}".strip())
        ]
        begun = [close(f"{prompts[i].opening} {answers[i].text}".strip(), "").rstrip() for i in are_open]
        ids = render_prompts(self.tokenizer, [prompts[i].prompt for i in are_open], begun)
        rest = self._generate(model, ids, decoding, f"{draws} forced")
        return {
            i: Answer(close(answers[i].text, after.text), answers[i].n_tokens + after.n_tokens, after.is_finished)
            for i, after in zip(are_open, rest, strict=True)
        }

    def _payload_log_probabilities(self, model: PreTrainedModel, prompts: Sequence[EvaluationPrompt]) -> list[float]:
        rows = render_rows(self.tokenizer, [p.prompt for p in prompts], [p.unwanted for p in prompts])
        values = answer_log_probabilities(
            model, rows, filler=pad_id(self.tokenizer), batch_size=self.settings.batch_size
        )
        if any(math.isnan(value) for value in values):
            raise TrainingDivergedError("the model gives the payload a probability that is not a number")
        return values
