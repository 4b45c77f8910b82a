"""What all sections of params.yaml have in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen part of params.yaml. An unknown key is an error, and so is a value of another type.

    A whole number is taken where a float is asked for. A key that may be null may be left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
