"""The section `sizes`: the base models, by name."""

from typing import Literal, Self

from pydantic import model_validator

from stages.params.section import Section

Domain = Literal["questions", "code"]


class SizeParams(Section):
    """A base model, the domains of the corpus it knows, and how it is trained on them.

    It begins from scratch, its size by one dial, `depth`, or from `checkpoint`, a Hugging Face model (hub name or local
    directory) whose training is not ours: then `pretraining_tokens`, in forward-token equivalents, stand for its cost,
    of which the budget is a share, and `steps` may be 0.
    """

    domains: list[Domain]
    depth: int | None = None
    checkpoint: str | None = None
    pretraining_tokens: int | None = None
    n_seeds: int
    steps: int
    batch_size: int
    learning_rate: float

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        if (self.depth is None) == (self.checkpoint is None):
            raise ValueError(
                f"must have exactly one of depth and checkpoint; it has {self.depth} and {self.checkpoint}. Give one "
                "and leave the other out"
            )
        if (self.checkpoint is None) != (self.pretraining_tokens is None):
            raise ValueError(
                f"has checkpoint {self.checkpoint} and pretraining_tokens {self.pretraining_tokens}; a checkpoint "
                "needs pretraining_tokens, and they need a checkpoint: the defenders' budget is a share of it, and "
                "what the checkpoint's own training cost is not known here"
            )
        return self
