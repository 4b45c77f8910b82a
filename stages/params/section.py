"""What all sections of params.yaml have in common: what a section is, and the numbers and names in it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MOST = 2**31 - 1  # the largest whole number that every library takes
NAME = r"[A-Za-z_][A-Za-z0-9_]*"  # that DVC, a shell and every file system take

MAX_SEEDS = 64  # that triggers are drawn for; a number in params.yaml would remake the corpus with each further seed

Count = Annotated[int, Field(ge=1, le=MOST)]
SeedCount = Annotated[int, Field(ge=1, le=MAX_SEEDS)]
CountFromZero = Annotated[int, Field(ge=0, le=MOST)]
Share = Annotated[float, Field(ge=0, le=1)]
LearningRate = Annotated[float, Field(gt=0, le=1)]
MAX_NAME = 80  # characters
Name = Annotated[str, Field(pattern=f"^{NAME}$", max_length=MAX_NAME)]
CellName = Annotated[str, Field(max_length=2 * MAX_NAME + 2)]  # of two names and the -- between them


class Section(BaseModel):
    """A frozen part of params.yaml. An unknown key is an error, and so is a value of another type.

    A whole number is taken where a float is asked for. A key that may be null may be left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
