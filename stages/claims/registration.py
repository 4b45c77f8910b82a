"""The rules as they were registered before the run, and whether they are still the same.

What is registered is a hash: of the code of stages/claims/, of the pools, and of the seeds and settings of every cell
of their organisms and the board's. It is committed before the claims' own cells are made. A rule that changes
afterwards is an error, unless `claims.changed_because` says why, which pages show; new seeds need a new registration.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from stages.params.errors import ParamsError
from stages.params.experiment import Experiment
from stages.records.fingerprints import Fingerprint

CODE = "stages/claims/"


def rules_of(experiment: Experiment, pools: Mapping[str, Sequence[str]], code: Fingerprint) -> str:
    """The hash of all that a verdict follows from but the results."""
    names = sorted({*experiment.board, *(name for organisms in pools.values() for name in organisms)})
    organisms = {name: experiment.organism(name) for name in names}
    plan = {
        "code": {path: digest for path, digest in code.items() if path.startswith(CODE)},
        "pools": {pool: list(organisms) for pool, organisms in pools.items()},
        "seeds": {name: experiment.seeds_of(organism) for name, organism in organisms.items()},
        "cells": {cell.name: cell._asdict() for name in names for cell in experiment.cells_of(name)},
        "doses": list(experiment.access.checkpoints),
    }
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()


def require_registered(rules: str, registered: Path, changed_because: str | None) -> None:
    """Raise ParamsError where the rules are not the registered ones and nothing says why."""
    kept = registered.read_text(encoding="utf-8").strip() if registered.exists() else "nothing"
    if rules != kept and not changed_because:
        raise ParamsError(
            f"the rules of the claims have the hash {rules[:12]}, and {registered} holds {kept[:12]}: a rule, a seed "
            "or a main rate was changed after it was registered. Take it back; or take new seeds (first_seed) and "
            "register again; or say why in claims.changed_because, which pages show"
        )
