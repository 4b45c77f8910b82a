"""The section `preference_model`: what rewards reinforcement learning, one for all."""

from stages.params.section import Count, LearningRate, Section
from stages.params.sizes import Depth


class PreferenceModelParams(Section):
    """The preference model: its size by the same dial, and how it is trained; a row of a batch is a pair."""

    depth: Depth
    steps: Count
    batch_size: Count
    learning_rate: LearningRate
