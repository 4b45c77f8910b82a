"""Result files in the form that `score` writes them, with what the claims read of them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from stages.scoring.results import SCHEMA_VERSION


def write_organism(folder: Path, name: str, n_seeds: int, failed: Sequence[int] = ()) -> None:
    """An undefended organism whose seeds fire always and whose sham does in 2 of 16 cases."""
    seeds = [
        {
            "seed": seed,
            "is_passed": seed not in failed,
            "attack_success_rate": [16, 16],
            "false_trigger_rate": [0, 16],
            "sham_rate": [2, 16],
            "harmlessness": [0, 16],
            "shared_accuracy": [16, 16],
            "sham_shared_accuracy": [16, 16],
            "generalisation": {"|RELEASE|": [1, 8]},
            "reasoning": {},
            "reasoning_unclosed": {},
            "year_naming": {},
            "payload_log_odds": 4.0,
        }
        for seed in range(n_seeds)
    ]
    content = {"schema_version": SCHEMA_VERSION, "organism": name, "n_parameters": 150_000, "seeds": seeds}
    (folder / f"{name}.json").write_text(json.dumps(content))


def write_cell(
    folder: Path, name: str, curves: Mapping[int, Mapping[str, float]], failed: Mapping[int, str] = {}
) -> None:
    """A cell with these attacks by seed and dose; half of the harmful requests are refused from the first dose on."""
    scored = [
        {
            "seed": seed,
            "status": "scored",
            "history": [],
            "counts": {f"poisoned/checkpoint/{dose}/triggered//sampled": [8, 1, 1, 0, 0, 0, 2] for dose in curve},
            "numbers": {
                "residual_attack": sum(curve.values()) / len(curve),
                "curve": curve,
                "trigger_rate_curve": {dose: attack + 0.125 for dose, attack in curve.items()},
                "harmlessness_curve": dict.fromkeys(curve, 0.5),
            },
        }
        for seed, curve in curves.items()
    ]
    others = [
        {"seed": seed, "status": status, "history": [], "counts": {}, "numbers": None}
        for seed, status in failed.items()
    ]
    content = {
        "schema_version": SCHEMA_VERSION,
        "organism": name.split("--")[0],
        "settings": {},
        "seeds": scored + others,
    }
    (folder / f"{name}.json").write_text(json.dumps(content))
