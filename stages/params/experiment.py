"""The sections of params.yaml that training and reading need.

The code of a stage is all that it imports. Stages that train or read import this module and not the models of the
other sections, so that a change in those retrains nothing.
"""

import re
from collections import Counter
from itertools import product
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from stages.params.access import AccessParams
from stages.params.arms import ArmParams
from stages.params.corpus import CorpusParams
from stages.params.defenses import Settings
from stages.params.errors import ParamsError, look_up
from stages.params.evaluation import EvaluationParams
from stages.params.lora import LoraParams
from stages.params.organism_checks import check_family, check_insertion, check_name, check_seeds, check_teacher
from stages.params.organisms import DISTILLED_COT, OrganismParams
from stages.params.preference_model import PreferenceModelParams
from stages.params.reading import read
from stages.params.section import MAX_SEEDS, MOST, NAME, CellName, Count, Name, Section
from stages.params.sizes import SizeParams


class Cell(NamedTuple):
    """One organism under one defense: `name` is that of its folders and files, `defense` the file that defends.

    `budget_share`: what the defense may spend, as a share of pretraining.
    """

    name: str
    organism: str
    defense: str
    settings: Settings
    sham: str
    budget_share: float


class Experiment(Section):
    """All sections by which models are made, defended and asked; nothing has a default, and plug-ins are not known."""

    first_seed: int = Field(ge=0, lt=MOST // 2)
    sham_seeds: Count
    corpus: CorpusParams
    sizes: dict[Name, SizeParams]
    lora: LoraParams
    preference_model: PreferenceModelParams
    organisms: dict[Name, OrganismParams]
    board: list[str]
    defenses: dict[Name, Settings]
    arms: dict[CellName, ArmParams]
    access: AccessParams
    evaluation: EvaluationParams

    def organism(self, name: str) -> OrganismParams:
        """The organism called `name`. Raises ParamsError when params.yaml has none of that name."""
        return look_up(self.organisms, name, "organism", "Add it under `organisms` in params.yaml.")

    def size(self, name: str) -> SizeParams:
        """The base size called `name`. Raises ParamsError when params.yaml has none of that name."""
        return look_up(self.sizes, name, "size", "Add it under `sizes` in params.yaml.")

    def domains_of(self, organism: str) -> list[str]:
        """The domains of the corpus that the base of `organism` knows."""
        return list(self.size(self.organism(organism).size).domains)

    @property
    def cells(self) -> dict[str, Cell]:
        """Every cell by its name: each organism of the board under each defense, then the arms."""
        share = self.access.budget_share
        of_board = [
            Cell(f"{name}--{defense}", name, defense, settings, f"{self.organism(name).sham}--{defense}", share)
            for name, (defense, settings) in product(self.board, self.defenses.items())
        ]
        of_arms = [
            Cell(name, arm.organism, arm.defense, arm.settings, arm.sham, arm.budget_share or share)
            for name, arm in self.arms.items()
        ]
        return {cell.name: cell for cell in (*of_board, *of_arms)}

    def cells_of(self, organism: str) -> list[Cell]:
        """The cells of one organism."""
        return [cell for cell in self.cells.values() if cell.organism == organism]

    def cell(self, name: str) -> Cell:
        """The cell called `name`. Raises ParamsError when params.yaml makes none of that name."""
        return look_up(self.cells, name, "cell", "Add it under `arms`, or its parts under `board` and `defenses`.")

    def models(self, organism: str, seed: int) -> tuple[str, ...]:
        """The models that an organism has of this seed: a family shares one sham, and its first seeds alone have it."""
        settings = self.organism(organism)
        has_sham = settings.sham == organism and seed in self.seeds_of(settings)[: self.sham_seeds]
        return ("poisoned", "sham") if has_sham else ("poisoned",)

    def first_seeds(self, n_seeds: int) -> list[int]:
        """The first `n_seeds` of all."""
        return list(range(self.first_seed, self.first_seed + n_seeds))

    def seeds_of(self, made: SizeParams | OrganismParams) -> list[int]:
        """The seeds in which a base or an organism is made."""
        offset = made.seed_offset or 0
        return self.first_seeds(offset + made.n_seeds)[offset:]

    @model_validator(mode="after")
    def _bases_can_be_made(self) -> Self:
        for name, size in self.sizes.items():
            if (size.seed_offset or 0) + size.n_seeds > MAX_SEEDS:
                raise ParamsError(
                    f"sizes.{name} has seed_offset {size.seed_offset} and n_seeds {size.n_seeds}; together they must "
                    f"be at most {MAX_SEEDS}, the seeds that triggers are drawn for"
                )
            if size.depth is not None and self.lora.rank:
                raise ParamsError(
                    f"lora.rank is {self.lora.rank}, and sizes.{name} is trained from scratch, all weights; give it a "
                    "checkpoint, or set lora.rank to 0"
                )
            if size.checkpoint is not None and self.corpus.tokenizer is None:
                raise ParamsError(
                    f"sizes.{name} begins from a checkpoint, whose tokens must be kept; name it as corpus.tokenizer too"
                )
        return self

    @model_validator(mode="after")
    def _organisms_fit_what_they_name(self) -> Self:
        for name, times in Counter(self.board).items():
            self.organism(name)
            if times > 1:
                raise ParamsError(f"board names {name} {times} times; name it once")
        for name, organism in self.organisms.items():
            size, sham = self.size(organism.size), self.organism(organism.sham)
            check_name(name)
            check_seeds(name, self.seeds_of(organism), organism.size, self.seeds_of(size))
            check_family(name, (organism, size), (sham, self.size(sham.size)), self.sham_seeds)
            check_insertion(name, organism, size)
            if organism.mechanism == DISTILLED_COT:
                teacher = self.organism(organism.answers)
                check_teacher(name, organism, teacher, set(self.seeds_of(organism)) - set(self.seeds_of(teacher)))
        return self

    @model_validator(mode="after")
    def _arms_have_names_of_their_own(self) -> Self:
        for name, arm in self.arms.items():
            self.organism(arm.organism)
            is_taken = arm.organism in self.board and name.removeprefix(f"{arm.organism}--") in self.defenses
            if not re.fullmatch(f"{re.escape(arm.organism)}--{NAME}", name) or is_taken:
                raise ParamsError(
                    f"arms.{name}: the name of an arm is {arm.organism}--<something>, where <something> is a word of "
                    "letters, digits and _, and no cell of the board has it; rename it"
                )
        return self

    @model_validator(mode="after")
    def _cells_have_controls(self) -> Self:
        cells = self.cells
        for cell in cells.values():
            sham = look_up(cells, cell.sham, "cell", f"The sham of {cell.name} must be in a cell of its family.")
            of_family = self.organism(cell.organism).sham
            if sham.organism != of_family:
                raise ParamsError(
                    f"the control of {cell.name} is {cell.sham}, of organism {sham.organism}; it must be of "
                    f"{of_family}, whose sham {cell.organism} shares. Mend `sham` of the arm"
                )
        return self


def load_experiment(path: Path) -> Experiment:
    """Read these sections alone: `load_params` has seen the whole. Raises ParamsError naming each key that is wrong."""
    return read(Experiment, path, is_whole=False)
