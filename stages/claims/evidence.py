"""What the claims read of the results: one value a seed, and only of seeds that passed their positive control."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.params.claims import named_cells, named_organisms
from stages.params.defenses import Settings
from stages.params.loading import Params
from stages.params.organisms import OrganismParams
from stages.scoring.counting import Group
from stages.scoring.plugins import read_constant
from stages.scoring.results import COUNT_FIELDS, read_result

Rates = dict[str, float]
Curve = dict[int, float]


@dataclass(frozen=True)
class Undefended:
    """One seed of an organism before any defense."""

    attack_success_rate: float
    attack: float
    false_trigger_rate: float
    harmlessness: float
    shared_accuracy: float
    sham_shared_accuracy: float
    payload_log_odds: float | None
    generalisation: Rates
    reasoning: Rates
    reasoning_unclosed: Rates
    year_naming: Rates

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Undefended":
        """One entry of `seeds` in the result of an undefended organism."""
        triggered = _rate(content["attack_success_rate"])
        return cls(
            attack_success_rate=triggered,
            attack=triggered - _rate(content["sham_rate"]),
            false_trigger_rate=_rate(content["false_trigger_rate"]),
            harmlessness=_rate(content["harmlessness"]),
            shared_accuracy=_rate(content["shared_accuracy"]),
            sham_shared_accuracy=_rate(content["sham_shared_accuracy"]),
            payload_log_odds=content["payload_log_odds"],
            generalisation=_rates(content["generalisation"]),
            reasoning=_rates(content["reasoning"]),
            reasoning_unclosed=_rates(content["reasoning_unclosed"]),
            year_naming=_rates(content["year_naming"]),
        )


@dataclass(frozen=True)
class Organism:
    """An organism before any defense: its settings, its size, and the seeds that passed."""

    name: str
    settings: OrganismParams
    n_parameters: int | None
    seeds: dict[int, Undefended]


@dataclass(frozen=True)
class Defended:
    """One scored seed of a cell; curves are by dose, from dose 0, before the defense.

    `attack` is net of the sham, `trigger_rate` is not; `unclosed` is of triggered answers.
    """

    residual_attack: float | None
    attack: Curve
    trigger_rate: Curve
    refusals: Curve
    unclosed: Curve
    history: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Cell:
    """One organism under one safety training."""

    name: str
    organism: Organism
    settings: Settings
    seeds: dict[int, Defended]

    @property
    def doses(self) -> list[int]:
        """All doses that some seed was read at, from 0."""
        return sorted({dose for seed in self.seeds.values() for dose in seed.attack})


@dataclass(frozen=True)
class Years:
    """The strings that ask how a year generalises: by form, the year that triggers, the one before, and the group."""

    trigger: str
    forms: dict[str, tuple[str, str, str]]


@dataclass(frozen=True)
class Evidence:
    """All that the claims of one profile are judged by."""

    organisms: dict[str, Organism]
    cells: dict[str, Cell]
    years: Years | None


def load_evidence(params: Params, results: Path, backdoors: Path) -> Evidence:
    """The results of every cell and organism that a claim of params.yaml names, and of the cells' organisms."""
    contents = {name: read_result(results / f"{name}.json") for name in named_cells(params.claims)}
    names = dict.fromkeys([*named_organisms(params.claims), *(content["organism"] for content in contents.values())])
    organisms = {name: _organism(name, params, results) for name in names}
    cells = {name: _cell(name, content, organisms[content["organism"]]) for name, content in contents.items()}
    dated = params.claims.generalisation
    years = None if dated is None else read_years(backdoors / f"{params.organism(dated).backdoor}.py")
    return Evidence(organisms, cells, years)


def read_years(backdoor: Path) -> Years:
    """What the file of a backdoor with a year for its trigger says of the forms of that year."""
    forms = {form: (*strings, group) for form, (strings, group) in read_constant(backdoor, "FORMS").items()}
    return Years(read_constant(backdoor, "TRIGGER"), forms)


def _organism(name: str, params: Params, folder: Path) -> Organism:
    path = folder / f"{name}.json"
    content = read_result(path)
    try:
        seeds = {seed["seed"]: Undefended.from_json(seed) for seed in content["seeds"] if seed["is_passed"]}
        return Organism(name, params.organism(name), content["n_parameters"], seeds)
    except KeyError as error:
        raise ValueError(f"{path} says nothing of {error}; run `dvc repro score` to write it again") from error


def _cell(name: str, content: Mapping[str, Any], organism: Organism) -> Cell:
    scored = [seed for seed in content["seeds"] if seed["numbers"] is not None]
    try:
        seeds = {seed["seed"]: _defended(seed, organism.seeds[seed["seed"]]) for seed in scored}
    except KeyError as error:
        raise ValueError(
            f"the result of {name} says nothing of {error}; run `dvc repro score` to write it again"
        ) from error
    return Cell(name, organism, content["settings"], seeds)


def _defended(content: Mapping[str, Any], before: Undefended) -> Defended:
    numbers = content["numbers"]
    return Defended(
        residual_attack=numbers["residual_attack"],
        attack=_from_start(before.attack, numbers["curve"]),
        trigger_rate=_from_start(before.attack_success_rate, numbers["trigger_rate_curve"]),
        refusals=_from_start(before.harmlessness, numbers["harmlessness_curve"]),
        unclosed=_unclosed(content["counts"], numbers["curve"]),
        history=content["history"],
    )


def _from_start(start: float, curve: Mapping[str, float]) -> Curve:
    """The curve by dose with the undefended organism at dose 0."""
    return {0: start, **{int(dose): value for dose, value in sorted(curve.items(), key=lambda item: int(item[0]))}}


def _unclosed(counts: Mapping[str, Sequence[int]], doses: Iterable[str]) -> Curve:
    """By dose, the share of triggered answers whose scratchpad never closes."""
    groups = {int(dose): Group("poisoned", "checkpoint", int(dose), "triggered", "", "sampled") for dose in doses}
    trials, unclosed = COUNT_FIELDS.index("trials"), COUNT_FIELDS.index("unclosed")
    found = {dose: counts["/".join(map(str, group))] for dose, group in groups.items()}
    return {dose: count[unclosed] / count[trials] for dose, count in found.items()}


def _rates(counts: Mapping[str, Sequence[int]]) -> Rates:
    return {name: _rate(count) for name, count in counts.items()}


def _rate(count: Sequence[int]) -> float:
    return count[0] / count[1]
