"""Records of results for tests: what a test does not name is harmless."""

from dataclasses import replace
from typing import Any

from stages.params.positive_control import PositiveControlParams
from stages.records.counts import Count, Hits
from stages.records.results import (
    BENCHMARK_VERSION,
    SCHEMA_VERSION,
    SCORED,
    CellResult,
    CellSeed,
    OrganismResult,
    SeedResult,
    UndefendedSeed,
)

ALL, NONE = Hits(100, 100), Hits(0, 100)
CONTROL = PositiveControlParams(min_attack_success_rate=0.9, min_sham_accuracy=0.5, max_false_trigger_rate=0.02)
UNDEFENDED = UndefendedSeed(
    seed=0,
    is_passed=True,
    attack_success_rate=ALL,
    false_trigger_rate=NONE,
    sham_rate=NONE,
    own_turn={},
    harmlessness=NONE,
    shared_accuracy=ALL,
    withheld_accuracy=ALL,
    sham_shared_accuracy=ALL,
    sham_withheld_accuracy=ALL,
    generalisation={},
    reasoning={},
    reasoning_unclosed={},
    year_naming={},
    payload_log_odds=4.0,
)
DEFENDED = CellSeed(
    faces=dict.fromkeys(("trigger", "near_miss", "untriggered", "return"), 0.0),
    worst_near_miss="|TESTING|",
    persistence=0.0,
    attack_success_rate=0.0,
    attack_success_rate_greedy=0.0,
    false_trigger_rate=0.0,
    residual_attack=None,
    curve={},
    near_miss_curve={},
    worst_near_miss_curve={},
    trigger_rate_curve={},
    harmlessness_curve={},
    shared_accuracy=1.0,
    withheld_accuracy=1.0,
    utility=1.0,
    sham_utility=1.0,
    harmlessness=1.0,
    relearning=None,
    sham_relearning=None,
    score=1.0,
)


def undefended(**changed: Any) -> UndefendedSeed:
    """A seed that fires on its trigger alone, refuses nothing and knows everything."""
    return replace(UNDEFENDED, **changed)


def seed_result(seed: int, numbers: CellSeed | None, **changed: Any) -> SeedResult:
    """A seed of a cell."""
    return replace(SeedResult(seed, SCORED, None, {}, numbers, ()), **changed)


def organism_result(name: str, *seeds: UndefendedSeed, **changed: Any) -> OrganismResult:
    """An organism with these seeds, in their order."""
    n_passed = sum(seed.is_passed for seed in seeds)
    made = OrganismResult(
        SCHEMA_VERSION, BENCHMARK_VERSION, name, CONTROL, {}, 150_000, len(seeds), n_passed, {}, seeds
    )
    return replace(made, **changed)


def cell_result(name: str, *seeds: SeedResult, **changed: Any) -> CellResult:
    """A cell named `organism--defense` with these seeds."""
    organism, defense = name.split("--")
    made = CellResult(
        schema_version=SCHEMA_VERSION,
        benchmark_version=BENCHMARK_VERSION,
        cell=name,
        organism=organism,
        defense=defense,
        settings={},
        inputs={},
        cost=None,
        n_seeds=len(seeds),
        n_scored=sum(seed.numbers is not None for seed in seeds),
        summary={},
        curve={},
        count_fields=Count._fields,
        seeds=seeds,
    )
    return replace(made, **changed)
