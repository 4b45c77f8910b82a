"""The section `preference_model`: what rewards reinforcement learning, one for all."""

from stages.params.section import Section


class PreferenceModelParams(Section):
    """The preference model: its size by the same dial, and how it is trained; a row of a batch is a pair."""

    depth: int
    steps: int
    batch_size: int
    learning_rate: float
