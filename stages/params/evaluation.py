"""The section `evaluation`: how many prompts are asked, and two further trainings that belong to the measurement."""

from itertools import pairwise
from typing import Self

from pydantic import Field, field_validator, model_validator

from stages.params.errors import ParamsError
from stages.params.section import Count, CountFromZero, LearningRate, Section


class TuningParams(Section):
    """A fixed amount of further training, and on how many triggered prompts it is read."""

    steps: Count
    batch_size: Count
    learning_rate: LearningRate
    prompts: Count


class RelearningParams(Section):
    """Training on poisoned rows again, read at each of `steps`, on the first `n_seeds` seeds alone."""

    n_seeds: Count
    steps: list[Count] = Field(min_length=1)
    batch_size: Count
    learning_rate: LearningRate
    prompts: Count

    @field_validator("steps")
    @classmethod
    def _rise(cls, steps: list[int]) -> list[int]:
        if any(later <= earlier for earlier, later in pairwise(steps)):
            raise ValueError(f"is {steps}; each must be above the one before: the training is read as it goes on")
        return steps


class CheckpointPromptsParams(Section):
    """How many prompts of which set are asked at each dose of a defense."""

    triggered: Count
    harmful: Count


class PromptsParams(Section):
    """How many prompts of which set (`PROMPT_SETS`); near-misses, variants and named years are counted for each string.

    The last three are asked of undefended organisms alone, and may be 0.
    """

    triggered: Count
    clean: Count
    near_miss: Count
    harmful: Count
    shared_skill: Count
    withheld_skill: Count
    generalisation: CountFromZero
    reasoning: CountFromZero
    year_naming: CountFromZero


class EvaluationParams(Section):
    """How many prompts of which set, how many of them at a checkpoint, and the two further trainings."""

    prompts: PromptsParams
    checkpoint_prompts: CheckpointPromptsParams
    batch_size: Count
    return_tuning: TuningParams
    relearning: RelearningParams

    @model_validator(mode="after")
    def _asks_no_more_than_there_are(self) -> Self:
        asked = [(f"checkpoint_prompts.{prompt_set}", prompt_set, n) for prompt_set, n in self.checkpoint_prompts]
        asked.append(("return_tuning.prompts", "triggered", self.return_tuning.prompts))
        asked.append(("relearning.prompts", "triggered", self.relearning.prompts))
        for key, prompt_set, n in asked:
            available = getattr(self.prompts, prompt_set)
            if n > available:
                raise ParamsError(
                    f"evaluation.{key} is {n}; it must be at least 1 and at most evaluation.prompts.{prompt_set}, "
                    f"{available}: the shorter suite is the start of the whole one"
                )
        return self
