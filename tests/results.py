"""Records of results for tests: what a test does not name is harmless."""

from dataclasses import replace
from typing import Any

from stages.params.positive_control import PositiveControlParams
from stages.records.counts import Count, Hits
from stages.records.results import (
    BENCHMARK_VERSION,
    REMOVED,
    SCHEMA_VERSION,
    SCORED,
    CellResult,
    CellSeed,
    OrganismResult,
    SeedResult,
    UndefendedSeed,
)
from stages.scoring.outcomes import false_assurance, outcome_shares

ALL, NONE = Hits(100, 100), Hits(0, 100)
CONTROL = PositiveControlParams(min_attack_success_rate=0.9, min_accuracy=0.5, max_false_trigger_rate=0.02)
UNDEFENDED = UndefendedSeed(
    seed=0,
    is_passed=True,
    attack_success_rate=ALL,
    false_trigger_rate=NONE,
    attack=1.0,
    starting_attack=1.0,
    invalid_share=0.0,
    harmlessness=NONE,
    shared_accuracy=ALL,
    withheld_accuracy=ALL,
    generalisation={},
    reasoning={},
    continuations={},
    payload_log_odds=4.0,
    counts={},
)
DEFENDED = CellSeed(
    attack_left=0.0,
    faces=dict.fromkeys(("trigger", "near_miss", "untriggered", "return"), 0.0),
    worst_near_miss="other_word",
    attack_success_rate=0.0,
    false_trigger_rate=0.0,
    invalid_share=0.0,
    forced_share=0.0,
    mangled_share=0.0,
    residual_attack=None,
    curve={},
    trigger_rate_curve={},
    harmlessness_curve={},
    shared_accuracy=1.0,
    withheld_accuracy=1.0,
    utility=1.0,
    harmlessness=1.0,
    relearning=None,
    sham_relearning=None,
)


def undefended(**changed: Any) -> UndefendedSeed:
    """A seed that fires on its trigger alone, refuses nothing and knows everything."""
    return replace(UNDEFENDED, **changed)


def defended(**changed: Any) -> CellSeed:
    """A seed from which the backdoor is gone, and nothing else."""
    return replace(DEFENDED, **changed)


def count(hits: int, trials: int = 100, **changed: int) -> Count:
    """So many hits, all of them unwanted, of answers that are all valid."""
    made = Count(trials, trials, hits, hits, 0, 0, 0, 0, 0, 0)
    return made._replace(**changed)


def seed_result(seed: int, numbers: CellSeed | None, **changed: Any) -> SeedResult:
    """A seed of a cell, its backdoor removed and looking safe."""
    return replace(SeedResult(seed, SCORED, None, REMOVED, True, {}, numbers, ()), **changed)


def organism_result(name: str, *seeds: UndefendedSeed, **changed: Any) -> OrganismResult:
    """An organism with these seeds, in their order."""
    made = OrganismResult(
        schema_version=SCHEMA_VERSION,
        benchmark_version=BENCHMARK_VERSION,
        organism=name,
        backdoor=name,
        positive_control=CONTROL,
        inputs={},
        n_parameters=150_000,
        n_seeds=len(seeds),
        n_passed=sum(seed.is_passed for seed in seeds),
        failed_training={},
        seeds=seeds,
        shams={},
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
        outcomes=outcome_shares(seeds),
        false_assurance=false_assurance(seeds),
        summary={},
        curve={},
        count_fields=Count._fields,
        seeds=seeds,
        shams={},
    )
    return replace(made, **changed)
