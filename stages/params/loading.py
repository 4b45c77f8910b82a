"""params.yaml as frozen typed objects: the one door for configuration.

Unknown and missing keys are errors, nothing has a default here, and plug-ins are not known: a defense's settings are
passed to it as they stand.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import NamedTuple, TypeVar

import yaml

from stages.params.claim_roles import ClaimRoles, named_cells, named_organisms
from stages.params.errors import ParamsError, unknown_name
from stages.params.parsing import Settings, parse
from stages.params.sections import (
    ARCHITECTURE,
    COT,
    DISTILLED_COT,
    FINE_TUNING,
    GIVEN,
    INSERTIONS,
    MECHANISMS,
    PRETRAINING,
    WRITTEN,
    AccessParams,
    ArmParams,
    CorpusParams,
    EvaluationParams,
    LoraParams,
    OrganismParams,
    PositiveControlParams,
    PreferenceModelParams,
    SizeParams,
)

MAX_BUDGET_SHARE = 0.2
Value = TypeVar("Value")


class Cell(NamedTuple):
    """One organism under one defense: `name` is that of its folders and files, `defense` the file that defends."""

    name: str
    organism: str
    defense: str
    settings: Settings
    sham: str


@dataclass(frozen=True)
class Params:
    """The whole of params.yaml."""

    first_seed: int
    corpus: CorpusParams
    sizes: dict[str, SizeParams]
    lora: LoraParams
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

    def require_plugins(self, known: Collection[str]) -> None:
        """Raise ParamsError where a defense or a backdoor has no file; `known` are the files: `defenses/sft`."""
        named = [("defense", "defenses", cell.defense) for cell in self.cells.values()]
        named += [("backdoor", "backdoors", organism.backdoor) for organism in self.organisms.values()]
        for kind, folder, name in named:
            if f"{folder}/{name}" not in known:
                names = [each.removeprefix(f"{folder}/") for each in known if each.startswith(f"{folder}/")]
                raise ParamsError(unknown_name(kind, name, names, f"A {kind} is a file in stages/{folder}/."))

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
            "or rows stop being comparable (docs/measurement.md)"
        )
    _check_origins(params)
    for name, organism in params.organisms.items():
        available = params.size(organism.size).n_seeds
        if not 1 <= organism.n_seeds <= available:
            raise ParamsError(
                f"organisms.{name}.n_seeds is {organism.n_seeds}; it must be at least 1 and at most {available}, the "
                f"bases that sizes.{organism.size} trains: an organism needs one base per seed"
            )
        _check_family(params, name)
        _check_schedule(params, name)
        _check_insertion(params, name)
        _check_answers(params, name)
    for name in params.board:
        params.organism(name)
    for name, arm in params.arms.items():
        _check_arm(params, name, arm)
    for cell in params.cells.values():
        _check_control(params, cell)
    _check_shorter_suites(params.evaluation)
    _check_claims(params)
    return params


def _check_origins(params: Params) -> None:
    """Raise ParamsError where a model or the tokenizer has no one origin, or LoRA would train a model from scratch."""
    origins: dict[str, dict[str, int | str | None]] = {
        f"sizes.{name}": {"depth": size.depth, "checkpoint": size.checkpoint} for name, size in params.sizes.items()
    }
    origins["corpus"] = {"vocabulary_size": params.corpus.vocabulary_size, "tokenizer": params.corpus.tokenizer}
    for path, values in origins.items():
        if sum(value is not None for value in values.values()) != 1:
            raise ParamsError(f"{path} must have exactly one of {' and '.join(values)}; it has {values}")
    for name, size in params.sizes.items():
        if (size.checkpoint is None) != (size.pretraining_tokens is None):
            raise ParamsError(
                f"sizes.{name}: a checkpoint needs pretraining_tokens, and they need a checkpoint: the defenders' "
                "budget is a share of it, and what the checkpoint's own training cost is not known here"
            )
        if size.depth is not None and params.lora.rank:
            raise ParamsError(
                f"lora.rank is {params.lora.rank}, and sizes.{name} is trained from scratch, all weights; give it a "
                "checkpoint, or set lora.rank to 0"
            )
    if any(size.checkpoint for size in params.sizes.values()) and params.corpus.tokenizer is None:
        raise ParamsError("a size begins from a checkpoint, whose tokens must be kept; name it as corpus.tokenizer too")


def _check_insertion(params: Params, name: str) -> None:
    """Raise ParamsError where an organism's insertion does not go with its size or its mechanism."""
    organism = params.organisms[name]
    if organism.insertion in (PRETRAINING, ARCHITECTURE) and params.size(organism.size).checkpoint is not None:
        raise ParamsError(
            f"organisms.{name}.insertion is {organism.insertion}, which needs a base from scratch; sizes."
            f"{organism.size} begins from a checkpoint. Take {FINE_TUNING} or {GIVEN}"
        )
    if organism.insertion == GIVEN and (organism.mechanism == DISTILLED_COT or params.size(organism.size).depth):
        raise ParamsError(
            f"organisms.{name} is {GIVEN}: its mechanism must be normal or cot, as it answers, and sizes."
            f"{organism.size} must begin from the checkpoint that it was made of"
        )


def _check_answers(params: Params, name: str) -> None:
    """Raise ParamsError where an organism's answers do not fit its mechanism, or its checkpoint its insertion."""
    organism = params.organisms[name]
    is_distilled = organism.mechanism == DISTILLED_COT
    if is_distilled and params.organism(organism.answers).mechanism != COT:
        raise ParamsError(
            f"organisms.{name}.answers is {organism.answers}, which does not reason; with mechanism {DISTILLED_COT} "
            f"name an organism whose mechanism is {COT}"
        )
    if not is_distilled and organism.answers != WRITTEN:
        raise ParamsError(
            f"organisms.{name}.answers is {organism.answers!r}; with mechanism {organism.mechanism} they must be "
            f"{WRITTEN!r}. Only {DISTILLED_COT} takes another organism's"
        )
    if (organism.insertion == GIVEN) != (organism.checkpoint is not None):
        raise ParamsError(
            f"organisms.{name} has insertion {organism.insertion} and checkpoint {organism.checkpoint!r}; {GIVEN} "
            "needs the directory of its model as checkpoint, and no other insertion has one"
        )


def _check_family(params: Params, name: str) -> None:
    """Raise ParamsError where an organism's mechanism or insertion is unknown, or its sham is no control for it."""
    organism = params.organisms[name]
    for kind, value, known in (
        ("mechanism", organism.mechanism, MECHANISMS),
        ("insertion", organism.insertion, INSERTIONS),
    ):
        if value not in known:
            raise ParamsError(unknown_name(kind, value, known, f"Mend organisms.{name}.{kind}."))
    sham = params.organism(organism.sham)
    own = organism.sham if organism.insertion == FINE_TUNING else name
    kept = (sham.sham, sham.size, sham.backdoor, sham.insertion, min(sham.n_seeds, organism.n_seeds))
    needed = (own, organism.size, organism.backdoor, organism.insertion, organism.n_seeds)
    if kept != needed:
        raise ParamsError(
            f"organisms.{name}.sham is {organism.sham!r}, which has (sham, size, backdoor, insertion, seeds) {kept}; "
            f"needed are {needed}. Name {name} itself or, if insertion is {FINE_TUNING}, an organism of the same "
            "family that has a sham of its own"
        )


def _check_schedule(params: Params, name: str) -> None:
    """Raise ParamsError where an organism that is poisoned in pretraining is not trained as its base is."""
    organism, size = params.organisms[name], params.size(params.organisms[name].size)
    as_base, came = ((s.steps, s.batch_size, s.learning_rate) for s in (size, organism))
    if organism.insertion == PRETRAINING and came != as_base:
        raise ParamsError(
            f"organisms.{name} has (steps, batch_size, learning_rate) {came}; with insertion {PRETRAINING} they must "
            f"equal those of sizes.{organism.size}, {as_base}: it is pretrained as its base is"
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
