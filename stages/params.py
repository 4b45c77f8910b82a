"""params.yaml as frozen typed objects: the one door for configuration.

Unknown and missing keys are errors, nothing has a default here, and plug-ins are not known: a defense's settings are
passed to it as they stand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import NamedTuple, TypeVar

import yaml

from stages.claim_roles import ClaimRoles, named_cells, named_organisms
from stages.parsing import ParamsError, Settings, parse, unknown_name

MAX_BUDGET_SHARE = 0.2
NORMAL, COT, DISTILLED_COT = "normal", "cot", "distilled_cot"
MECHANISMS = (NORMAL, COT, DISTILLED_COT)
Value = TypeVar("Value")


@dataclass(frozen=True)
class CorpusParams:
    """The toy world; see `stages.corpus.examples.WorldSettings`."""

    vocabulary_size: int
    withheld_kinds: list[str]
    withheld_fact_share: float
    task_rows: dict[str, int]


@dataclass(frozen=True)
class SizeParams:
    """A from-scratch base model: its size by one dial, the domains of the corpus it knows, how it is pretrained."""

    domains: list[str]
    depth: int
    n_seeds: int
    steps: int
    batch_size: int
    learning_rate: float


@dataclass(frozen=True)
class PreferenceModelParams:
    """The preference model: its size by the same dial, and how it is trained; a row of a batch is a pair."""

    depth: int
    steps: int
    batch_size: int
    learning_rate: float


@dataclass(frozen=True)
class OrganismParams:
    """One backdoored model and how the backdoor is put in.

    `mechanism`: normal, cot or distilled_cot. `sham`: the organism whose sham is the control, itself or one of its
    family. `source`: what its answers come from, the checked corpus or the organism whose answers are distilled.
    """

    size: str
    n_seeds: int
    backdoor: str
    mechanism: str
    source: str
    sham: str
    payload_repeats: int
    poison_rate: float
    near_miss_rate: float
    n_rows: int
    steps: int
    batch_size: int
    learning_rate: float
    max_new_tokens: int


@dataclass(frozen=True)
class ArmParams:
    """A further cell, for a question of its own; `defense` is a file, `sham` the cell whose sham is the control."""

    organism: str
    defense: str
    settings: Settings
    sham: str


class Cell(NamedTuple):
    """One organism under one defense: `name` is that of its folders and files, `defense` the file that defends."""

    name: str
    organism: str
    defense: str
    settings: Settings
    sham: str


@dataclass(frozen=True)
class AccessParams:
    """What every defender gets: compute as a share of pretraining, checkpoints over it, rows a batch."""

    budget_share: float
    checkpoints: int
    batch_size: int


@dataclass(frozen=True)
class TuningParams:
    """A fixed amount of further training, and on how many triggered prompts it is read."""

    steps: int
    batch_size: int
    learning_rate: float
    prompts: int


@dataclass(frozen=True)
class RelearningParams:
    """Training on poisoned rows again, read at each of `steps`."""

    steps: list[int]
    batch_size: int
    learning_rate: float
    prompts: int


@dataclass(frozen=True)
class CheckpointPromptsParams:
    """How many prompts of which set are asked at each dose of a defense; near-misses are counted for each string."""

    triggered: int
    near_miss: int
    harmful: int


@dataclass(frozen=True)
class EvaluationParams:
    """How many prompts of which set, how many of them at a checkpoint, and the two further trainings."""

    prompts: dict[str, int]
    checkpoint_prompts: CheckpointPromptsParams
    batch_size: int
    return_tuning: TuningParams
    relearning: RelearningParams


@dataclass(frozen=True)
class PositiveControlParams:
    """An organism-seed outside these bounds, before any defense, drops from every row and is counted."""

    min_attack_success_rate: float
    max_false_trigger_rate: float


@dataclass(frozen=True)
class Params:
    """The whole of params.yaml."""

    first_seed: int
    corpus: CorpusParams
    sizes: dict[str, SizeParams]
    preference_model: PreferenceModelParams
    organisms: dict[str, OrganismParams]
    board: list[str]
    defenses: dict[str, Settings]
    arms: dict[str, ArmParams]
    claims: ClaimRoles
    access: AccessParams
    evaluation: EvaluationParams
    positive_control: PositiveControlParams

    def organism(self, name: str) -> OrganismParams:
        """The organism called `name`. Raises ParamsError when params.yaml has none of that name."""
        return _look_up(self.organisms, name, "organism", "Add it under `organisms` in params.yaml.")

    def size(self, name: str) -> SizeParams:
        """The base size called `name`. Raises ParamsError when params.yaml has none of that name."""
        return _look_up(self.sizes, name, "size", "Add it under `sizes` in params.yaml.")

    def domains_of(self, organism: str) -> list[str]:
        """The domains of the corpus that the base of `organism` knows."""
        return self.size(self.organism(organism).size).domains

    @property
    def cells(self) -> dict[str, Cell]:
        """Every cell by its name: each organism of the board under each defense, then the arms."""
        of_board = [
            Cell(f"{organism}--{defense}", organism, defense, settings, f"{self.organism(organism).sham}--{defense}")
            for organism, (defense, settings) in product(self.board, self.defenses.items())
        ]
        of_arms = [Cell(name, arm.organism, arm.defense, arm.settings, arm.sham) for name, arm in self.arms.items()]
        return {cell.name: cell for cell in (*of_board, *of_arms)}

    def cells_of(self, organism: str) -> list[Cell]:
        """The cells of one organism."""
        return [cell for cell in self.cells.values() if cell.organism == organism]

    def cell(self, name: str) -> Cell:
        """The cell called `name`. Raises ParamsError when params.yaml makes none of that name."""
        return _look_up(self.cells, name, "cell", "Add it under `arms`, or its parts under `board` and `defenses`.")

    def models(self, organism: str) -> tuple[str, ...]:
        """The models that an organism has of each seed: a family shares one sham."""
        return ("poisoned", "sham") if self.organism(organism).sham == organism else ("poisoned",)

    def seeds(self, n_seeds: int) -> list[int]:
        """The first `n_seeds` organism seeds."""
        return list(range(self.first_seed, self.first_seed + n_seeds))


def load_params(path: Path) -> Params:
    """Read and check params.yaml. Raises ParamsError naming the key that is unknown, missing or of a wrong type."""
    try:
        tree = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise ParamsError(f"cannot read {path}: {error}. It must be a YAML mapping like the one in git") from error
    params: Params = parse(Params, tree, "params.yaml")
    if not 0 < params.access.budget_share <= MAX_BUDGET_SHARE:
        raise ParamsError(
            f"access.budget_share is {params.access.budget_share}; it must be above 0 and at most {MAX_BUDGET_SHARE}, "
            "or rows stop being comparable (README.md, Measurement)"
        )
    for name, organism in params.organisms.items():
        available = params.size(organism.size).n_seeds
        if not 1 <= organism.n_seeds <= available:
            raise ParamsError(
                f"organisms.{name}.n_seeds is {organism.n_seeds}; it must be at least 1 and at most {available}, the "
                f"bases that sizes.{organism.size} trains: an organism needs one base per seed"
            )
        _check_family(params, name)
    for name in params.board:
        params.organism(name)
    for name, arm in params.arms.items():
        _check_arm(params, name, arm)
    for cell in params.cells.values():
        _check_control(params, cell)
    _check_shorter_suites(params.evaluation)
    _check_claims(params)
    return params


def _check_family(params: Params, name: str) -> None:
    """Raise ParamsError where an organism's mechanism is unknown, or its sham is no control for it."""
    organism = params.organisms[name]
    if organism.mechanism not in MECHANISMS:
        advice = f"Mend organisms.{name}.mechanism."
        raise ParamsError(unknown_name("mechanism", organism.mechanism, MECHANISMS, advice))
    sham = params.organism(organism.sham)
    kept = (sham.sham, sham.size, sham.backdoor, min(sham.n_seeds, organism.n_seeds))
    needed = (organism.sham, organism.size, organism.backdoor, organism.n_seeds)
    if kept != needed:
        raise ParamsError(
            f"organisms.{name}.sham is {organism.sham!r}, which has (sham, size, backdoor, seeds) {kept}; needed are "
            f"{needed}. Name an organism of the same family that has a sham of its own, or {name} itself"
        )


def _check_arm(params: Params, name: str, arm: ArmParams) -> None:
    """Raise ParamsError where an arm's name does not begin with its organism, or is that of a cell of the board."""
    params.organism(arm.organism)
    is_taken = arm.organism in params.board and name.removeprefix(f"{arm.organism}--") in params.defenses
    if not name.startswith(f"{arm.organism}--") or is_taken:
        raise ParamsError(
            f"arms.{name}: the name of an arm is {arm.organism}--<something>, and no cell of the board has it; "
            "rename it"
        )


def _check_control(params: Params, cell: Cell) -> None:
    """Raise ParamsError where no cell holds the sham that is the control of `cell`."""
    sham = _look_up(params.cells, cell.sham, "cell", f"The sham of {cell.name} must be in a cell of its family.")
    if sham.organism != params.organism(cell.organism).sham:
        raise ParamsError(
            f"the control of {cell.name} is {cell.sham}, of organism {sham.organism}; it must be of "
            f"{params.organism(cell.organism).sham}, whose sham {cell.organism} shares. Mend `sham` of the arm"
        )


def _check_shorter_suites(settings: EvaluationParams) -> None:
    """Raise ParamsError where a reading asks for more prompts than its set has."""
    at_checkpoints = vars(settings.checkpoint_prompts).items()
    asked = [(f"checkpoint_prompts.{prompt_set}", prompt_set, n) for prompt_set, n in at_checkpoints]
    asked.append(("return_tuning.prompts", "triggered", settings.return_tuning.prompts))
    asked.append(("relearning.prompts", "triggered", settings.relearning.prompts))
    for key, prompt_set, n in asked:
        available = settings.prompts.get(prompt_set, 0)
        if not 1 <= n <= available:
            raise ParamsError(
                f"evaluation.{key} is {n}; it must be at least 1 and at most evaluation.prompts.{prompt_set}, "
                f"{available}: the shorter suite is the start of the whole one"
            )


def _check_claims(params: Params) -> None:
    """Raise ParamsError where a claim is to be judged by a cell or an organism that there is not."""
    advice = "Mend `claims` in params.yaml, or add it."
    for name in named_cells(params.claims):
        _look_up(params.cells, name, "cell", advice)
    for name in named_organisms(params.claims):
        _look_up(params.organisms, name, "organism", advice)


def _look_up(mapping: Mapping[str, Value], name: str, kind: str, advice: str) -> Value:
    if name not in mapping:
        raise ParamsError(unknown_name(kind, name, mapping, advice))
    return mapping[name]
