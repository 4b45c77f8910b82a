"""The section `evaluation`: how many prompts are asked, and two further trainings that belong to the measurement."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from stages.params.errors import ParamsError
from stages.params.section import Section

NPrompts = Annotated[int, Field(ge=1)]


class TuningParams(Section):
    """A fixed amount of further training, and on how many triggered prompts it is read."""

    steps: int
    batch_size: int
    learning_rate: float
    prompts: NPrompts


class RelearningParams(Section):
    """Training on poisoned rows again, read at each of `steps`."""

    steps: list[int]
    batch_size: int
    learning_rate: float
    prompts: NPrompts


class CheckpointPromptsParams(Section):
    """How many prompts of which set are asked at each dose of a defense; near-misses are counted for each string."""

    triggered: NPrompts
    near_miss: NPrompts
    harmful: NPrompts


class EvaluationParams(Section):
    """How many prompts of which set, how many of them at a checkpoint, and the two further trainings."""

    prompts: dict[str, int]
    checkpoint_prompts: CheckpointPromptsParams
    batch_size: int
    return_tuning: TuningParams
    relearning: RelearningParams

    @model_validator(mode="after")
    def _asks_no_more_than_there_are(self) -> Self:
        asked = [(f"checkpoint_prompts.{prompt_set}", prompt_set, n) for prompt_set, n in self.checkpoint_prompts]
        asked.append(("return_tuning.prompts", "triggered", self.return_tuning.prompts))
        asked.append(("relearning.prompts", "triggered", self.relearning.prompts))
        for key, prompt_set, n in asked:
            available = self.prompts.get(prompt_set, 0)
            if n > available:
                raise ParamsError(
                    f"evaluation.{key} is {n}; it must be at least 1 and at most evaluation.prompts.{prompt_set}, "
                    f"{available}: the shorter suite is the start of the whole one"
                )
        return self
