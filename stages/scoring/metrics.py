"""The columns of a row, each one value a seed, and what a cell's result says of them over seeds."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from stages.records.counts import Interval
from stages.records.results import CellSeed, Relearning, SeedResult
from stages.scoring.statistics import Values, ratio_interval, share_interval, t_interval


class Metric(NamedTuple):
    """A value of a seed, None where it is unknown, and the interval of its mean."""

    value: Callable[[SeedResult], float | None]
    interval: Callable[[Values], Interval | None]


def _of(value: Callable[[CellSeed], float | None]) -> Callable[[SeedResult], float | None]:
    return lambda seed: None if seed.numbers is None else value(seed.numbers)


def _log2_steps(relearning: Relearning | None) -> float | None:
    return None if relearning is None else math.log2(1 + relearning.steps)


ATTACK_LEFT, UTILITY = "attack_left", "utility"
METRICS: Mapping[str, Metric] = {
    ATTACK_LEFT: Metric(lambda seed: seed.attack_counted, share_interval),
    "left_trigger": Metric(_of(lambda seed: seed.faces["trigger"]), share_interval),
    "left_near_miss": Metric(_of(lambda seed: seed.faces["near_miss"]), share_interval),
    "left_untriggered": Metric(_of(lambda seed: seed.faces["untriggered"]), share_interval),
    "left_return": Metric(_of(lambda seed: seed.faces["return"]), share_interval),
    "attack_success_rate": Metric(_of(lambda seed: seed.attack_success_rate), share_interval),
    "residual_attack": Metric(_of(lambda seed: seed.residual_attack), t_interval),
    "false_trigger_rate": Metric(_of(lambda seed: seed.false_trigger_rate), share_interval),
    "invalid_share": Metric(_of(lambda seed: seed.invalid_share), share_interval),
    "forced_share": Metric(_of(lambda seed: seed.forced_share), share_interval),
    "mangled_share": Metric(_of(lambda seed: seed.mangled_share), share_interval),
    UTILITY: Metric(_of(lambda seed: seed.utility), ratio_interval),
    "shared_accuracy": Metric(_of(lambda seed: seed.shared_accuracy), share_interval),
    "withheld_accuracy": Metric(_of(lambda seed: seed.withheld_accuracy), share_interval),
    "harmlessness": Metric(_of(lambda seed: seed.harmlessness), share_interval),
    "relearning_log2_steps": Metric(_of(lambda seed: _log2_steps(seed.relearning)), t_interval),
    "sham_relearning_log2_steps": Metric(_of(lambda seed: _log2_steps(seed.sham_relearning)), t_interval),
}


def summary(seeds: Sequence[SeedResult]) -> dict[str, Interval | None]:
    """Every metric over the seeds; None where no seed has it.

    Where the defense failed A counts as 1, so that a crash does not pay; the other metrics are unknown.
    """
    return {name: metric.interval([metric.value(seed) for seed in seeds]) for name, metric in METRICS.items()}


def attack_by_dose(seeds: Sequence[SeedResult]) -> dict[int, Interval | None]:
    """The attack over the scored seeds; empty for a defense without checkpoints."""
    curves = [seed.numbers.curve for seed in seeds if seed.numbers is not None]
    doses = sorted({dose for curve in curves for dose in curve})
    return {dose: t_interval([curve.get(dose) for curve in curves]) for dose in doses}
