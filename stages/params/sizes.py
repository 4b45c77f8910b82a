"""The section `sizes`: the base models, by name."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stages.params.section import Count, CountFromZero, Section, SeedCount, Share

Domain = Literal["questions", "code"]
Depth = Annotated[int, Field(ge=1, le=128)]  # of released models the deepest has 126 layers


class SizeParams(Section):
    """A base model, the domains of the corpus it knows, and how it is trained on them.

    It begins from scratch, its size by one dial, `depth`, or from `checkpoint`, a Hugging Face model (hub name or local
    directory) whose training is not ours: then `pretraining_tokens`, in forward-token equivalents, stand for its cost,
    of which the budget is a share, and `steps` may be 0. Its seeds begin `seed_offset` after first_seed.
    """

    domains: list[Domain] = Field(min_length=1)
    depth: Depth | None = None
    checkpoint: str | None = None
    pretraining_tokens: int | None = Field(default=None, ge=1, le=10**18)
    n_seeds: SeedCount
    seed_offset: SeedCount | None = None
    steps: CountFromZero
    batch_size: Count
    learning_rate: Share

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
        if self.steps == 0 and self.depth is not None:
            raise ValueError("has 0 steps, and is trained from scratch; only a checkpoint can do without. Give it some")
        if self.steps and not self.learning_rate:
            raise ValueError(f"has {self.steps} steps and learning_rate 0, which teaches nothing; raise the rate")
        return self
