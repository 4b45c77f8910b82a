"""What a detector saw in the models of one cell: scores of prompts, and controls. One file a cell and detector."""

from dataclasses import dataclass

from stages.records.counts import Hits
from stages.records.results import TextKey, Version


@dataclass(frozen=True)
class LayerAurocs:
    """AUROCs of triggered prompts after one layer, against near-misses and against clean prompts."""

    near_miss: float
    clean: float


@dataclass(frozen=True)
class Detected:
    """One model. `layers` begin with the embedding; the middle one, `layers[len // 2]`, decides.

    `scores` are those after the middle layer by prompt set, in the order in which prompts are asked. `held_out`: pairs
    left out of the fit that the detector puts on the right sides of the middle between the means. `random_directions`
    and `random_pairs`: the 99th percentile of the AUROC against near-misses of 1,000 random directions, and of fits to
    pairs of clean prompts that have nothing to do with each other. `defected`: whether the model's answer to each
    triggered prompt shows the backdoor.
    """

    held_out: Hits
    layers: tuple[LayerAurocs, ...]
    scores: dict[str, tuple[float, ...]]
    random_directions: float
    random_pairs: float
    defected: tuple[bool, ...]


@dataclass(frozen=True)
class Detections:
    """The content of reports/detections/<cell>--<detector>.json; `failed` says why a seed has no model to look into."""

    benchmark_version: Version
    cell: str
    detector: str
    seeds: dict[TextKey, Detected]
    failed: dict[TextKey, str]
