"""The section `detection`: which detectors look into which models."""

from pydantic import Field

from stages.params.section import Section


class DetectionParams(Section):
    """Each of these `detectors`, files in stages/detectors/, looks into each of these organisms after each defense."""

    organisms: list[str] = Field(min_length=1)
    defenses: list[str] = Field(min_length=1)
    detectors: list[str] = Field(min_length=1)
