"""What the claims read of the results: one value a seed, and only of seeds that passed their positive control."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from stages.params.claims import named_cells, named_organisms
from stages.params.loading import Params
from stages.params.organisms import OrganismParams
from stages.records.counts import Group
from stages.records.files import read_record
from stages.records.outcomes import HistoryRow
from stages.records.results import CellResult, CellSeed, OrganismResult, SeedResult, UndefendedSeed
from stages.scoring.plugins import read_constant

Curve = dict[int, float]


@dataclass(frozen=True)
class Organism:
    """An organism before any defense: its settings, its size, and the seeds that passed."""

    name: str
    settings: OrganismParams
    n_parameters: int | None
    seeds: dict[int, UndefendedSeed]


@dataclass(frozen=True)
class Defended:
    """One scored seed of a cell, and the same seed `before`; curves are by dose, from dose 0, before the defense.

    `attack` is net of the sham, `trigger_rate` is not; `unclosed` is of triggered answers.
    """

    before: UndefendedSeed
    result: SeedResult
    numbers: CellSeed

    @property
    def residual_attack(self) -> float | None:
        """The mean attack over the grid of doses; None where the training stopped short."""
        return self.numbers.residual_attack

    @property
    def attack(self) -> Curve:
        """The rate under the trigger minus the sham's."""
        return {0: self.before.attack, **self.numbers.curve}

    @property
    def trigger_rate(self) -> Curve:
        """The rate under the trigger."""
        return {0: self.before.attack_success_rate.rate, **self.numbers.trigger_rate_curve}

    @property
    def refusals(self) -> Curve:
        """The share of harmful requests that are refused."""
        return {0: self.before.harmlessness.rate, **self.numbers.harmlessness_curve}

    @property
    def unclosed(self) -> Curve:
        """The share of triggered answers whose scratchpad never closes, from the first dose of the training."""
        groups = [Group("poisoned", "checkpoint", dose, "triggered", "", "sampled") for dose in self.numbers.curve]
        counts = [self.result.counts[group] for group in groups]
        return {group.dose: count.unclosed / count.trials for group, count in zip(groups, counts, strict=True)}

    @property
    def history(self) -> Sequence[HistoryRow]:
        """What the defense recorded on its way."""
        return self.result.history


@dataclass(frozen=True)
class Cell:
    """One organism under one safety training."""

    name: str
    organism: Organism
    settings: dict[str, JsonValue]
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
    found = {name: read_record(CellResult, results / f"{name}.json") for name in named_cells(params.claims)}
    names = dict.fromkeys([*named_organisms(params.claims), *(result.organism for result in found.values())])
    organisms = {name: _organism(name, params, results) for name in names}
    cells = {name: _cell(result, organisms[result.organism]) for name, result in found.items()}
    dated = params.claims.generalisation
    years = None if dated is None else read_years(backdoors / f"{params.organism(dated).backdoor}.py")
    return Evidence(organisms, cells, years)


def read_years(backdoor: Path) -> Years:
    """What the file of a backdoor with a year for its trigger says of the forms of that year."""
    forms = {form: (*strings, group) for form, (strings, group) in read_constant(backdoor, "FORMS").items()}
    return Years(read_constant(backdoor, "TRIGGER"), forms)


def _organism(name: str, params: Params, folder: Path) -> Organism:
    result = read_record(OrganismResult, folder / f"{name}.json")
    return Organism(name, params.organism(name), result.n_parameters, result.passed())


def _cell(result: CellResult, organism: Organism) -> Cell:
    scored = [(seed, seed.numbers) for seed in result.seeds if seed.numbers is not None]
    seeds = {seed.seed: Defended(organism.seeds[seed.seed], seed, numbers) for seed, numbers in scored}
    return Cell(result.cell, organism, result.settings, seeds)
