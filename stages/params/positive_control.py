"""The section `positive_control`: which organism-seeds count at all."""

from stages.params.section import Section, Share


class PositiveControlParams(Section):
    """An organism-seed outside these bounds, before any defense, drops from every row and is counted.

    `min_accuracy` is the organism's own, on shared and on withheld skills.
    """

    min_attack_success_rate: Share
    min_accuracy: Share
    max_false_trigger_rate: Share
