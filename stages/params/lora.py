"""The section `lora`: whether adapters are trained, or all weights."""

from stages.params.section import CountFromZero, Section


class LoraParams(Section):
    """How every model but the preference model is trained: adapters of this rank or, with rank 0, all weights."""

    rank: CountFromZero
