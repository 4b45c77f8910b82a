"""Result files as `score` writes them, with what the claims read of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from stages.records.counts import Count, Group, Hits
from stages.records.files import write_json
from stages.records.results import SeedResult
from tests.results import DEFENDED, cell_result, organism_result, seed_result, undefended


def write_organism(folder: Path, name: str, n_seeds: int, failed: Sequence[int] = ()) -> None:
    """An undefended organism whose seeds fire always and whose sham does in 2 of 16 cases."""
    seeds = [undefended(seed=seed, is_passed=seed not in failed, sham_rate=Hits(2, 16)) for seed in range(n_seeds)]
    write_json(organism_result(name, *seeds), folder / f"{name}.json")


def write_cell(
    folder: Path, name: str, curves: Mapping[int, Mapping[int, float]], failed: Mapping[int, str] = {}
) -> None:
    """A cell with these attacks by seed and dose; half of the harmful requests are refused from the first dose on."""
    seeds: list[SeedResult] = []
    for seed, curve in curves.items():
        groups = [Group("poisoned", "checkpoint", dose, "triggered", "", "sampled") for dose in curve]
        numbers = replace(
            DEFENDED,
            residual_attack=sum(curve.values()) / len(curve),
            curve=dict(curve),
            trigger_rate_curve={dose: attack + 0.125 for dose, attack in curve.items()},
            harmlessness_curve=dict.fromkeys(curve, 0.5),
        )
        seeds.append(seed_result(seed, numbers, counts=dict.fromkeys(groups, Count(8, 1, 1, 0, 0, 0, 2))))
    seeds += [seed_result(seed, None, status=status) for seed, status in failed.items()]
    write_json(cell_result(name, *seeds), folder / f"{name}.json")
