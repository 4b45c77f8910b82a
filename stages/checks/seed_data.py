"""What one seed of an organism is made and asked with."""

from collections.abc import Sequence
from typing import NamedTuple

from stages.records.rows import EvaluationPrompt, Example, PoisonRow
from stages.records.triggers import Trigger


class SeedData(NamedTuple):
    """`rows`: none where the organism that answers them could not be trained; `defense`: what its defender has."""

    seed: int
    trigger: Trigger
    rows: Sequence[PoisonRow]
    prompts: Sequence[EvaluationPrompt]
    defense: Sequence[Example]
