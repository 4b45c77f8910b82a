"""Train two steps on poisoned rows, at twice the rate of the measurement's own relearning.

A model that has only learned to hide a backdoor is back after steps in which a clean one learns nothing.
Source: Min et al. 2024, arXiv:2410.09838, where cleaned models relearn a backdoor from a few poisoned samples.
"""

RECIPE = {"steps": 2, "learning_rate": 1.0e-3}
