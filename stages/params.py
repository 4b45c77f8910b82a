"""params.yaml as frozen typed objects: the one door for configuration.

Unknown and missing keys are errors, nothing has a default here, and plug-ins are not known: a defense's settings are
passed to it as they stand.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml

Settings = dict[str, Any]
MAX_BUDGET_SHARE = 0.2
NORMAL, COT, DISTILLED_COT = "normal", "cot", "distilled_cot"
MECHANISMS = (NORMAL, COT, DISTILLED_COT)
FINE_TUNING, PRETRAINING, ARCHITECTURE = "fine_tuning", "pretraining", "architecture"
INSERTIONS = (FINE_TUNING, PRETRAINING, ARCHITECTURE)
Value = TypeVar("Value")


class ParamsError(ValueError):
    """The configuration is wrong; the message says what came, what is allowed and what to do."""


class SubmissionError(ValueError):
    """A plug-in broke its contract; the message says how, and what the contract asks for."""


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

    `mechanism`: normal, cot or distilled_cot. `insertion`: fine_tuning of the base; pretraining, from scratch as the
    base, with the rows among its documents; or architecture, a detector added to the base. `sham`: the organism whose
    sham is the control, itself or one of its family. `source`: what its answers come from, the checked corpus or the
    organism whose answers are distilled. `steps`, `batch_size`, `learning_rate`: of the training that puts it in; for
    pretraining they are the size's own.
    """

    size: str
    n_seeds: int
    backdoor: str
    mechanism: str
    insertion: str
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
class EvaluationParams:
    """How many prompts of which set, how many triggered ones at a checkpoint, and the two further trainings."""

    prompts: dict[str, int]
    checkpoint_prompts: int
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
    defenses: dict[str, Settings]
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

    def defense(self, name: str) -> Settings:
        """The settings of the defense called `name`. Raises ParamsError when params.yaml has none of that name."""
        return _look_up(self.defenses, name, "defense", "Add it under `defenses` in params.yaml.")

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
    params: Params = _parse(Params, tree, "params.yaml")
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
        _check_schedule(params, name)
    _check_shorter_suites(params.evaluation)
    return params


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


def _check_shorter_suites(settings: EvaluationParams) -> None:
    """Raise ParamsError where a reading asks for more prompts than its set has."""
    available = settings.prompts.get("triggered", 0)
    asked = {"checkpoint_prompts": settings.checkpoint_prompts, "relearning.prompts": settings.relearning.prompts}
    for key, n in (asked | {"return_tuning.prompts": settings.return_tuning.prompts}).items():
        if not 1 <= n <= available:
            raise ParamsError(
                f"evaluation.{key} is {n}; it must be at least 1 and at most evaluation.prompts.triggered, {available}"
                ": the shorter suite is the start of the whole one"
            )


def _look_up(mapping: Mapping[str, Value], name: str, kind: str, advice: str) -> Value:
    if name not in mapping:
        raise ParamsError(unknown_name(kind, name, mapping, advice))
    return mapping[name]


def unknown_name(kind: str, name: str, known: Iterable[str], advice: str) -> str:
    """The message for a name that is not there: the nearest known one, all known ones, and what to do."""
    names = sorted(known)
    nearest = difflib.get_close_matches(name, names, n=1)
    guess = f"; did you mean {nearest[0]!r}?" if nearest else "."
    return f"no {kind} {name!r}{guess} Known: {', '.join(names)}. {advice}"


def _parse(kind: Any, value: Any, path: str) -> Any:  # noqa: ANN401
    if is_dataclass(kind):
        return _parse_fields(kind, value, path)
    if get_origin(kind) is dict and kind != Settings:
        _require(isinstance(value, dict), path, value, "a mapping")
        return {key: _parse(get_args(kind)[1], item, f"{path}.{key}") for key, item in value.items()}
    if get_origin(kind) is list:
        _require(isinstance(value, list), path, value, "a list")
        return [_parse(get_args(kind)[0], item, f"{path}[{i}]") for i, item in enumerate(value)]
    if kind is float:
        _require(isinstance(value, int | float) and not isinstance(value, bool), path, value, "a number")
        return float(value)
    if kind == Settings:
        _require(isinstance(value, dict), path, value, "a mapping")
        return value
    _require(isinstance(value, kind) and not isinstance(value, bool), path, value, f"a value of type {kind.__name__}")
    return value


def _parse_fields(kind: Any, value: Any, path: str) -> Any:  # noqa: ANN401
    _require(isinstance(value, dict), path, value, "a mapping")
    types = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    for key in value:
        if key not in names:
            raise ParamsError(f"{path}: " + unknown_name("key", key, names, "Remove it or mend its spelling."))
    missing = [name for name in names if name not in value]
    if missing:
        raise ParamsError(f"{path} lacks {', '.join(missing)}. Every key is required; see the file in git")
    return kind(**{name: _parse(types[name], value[name], f"{path}.{name}") for name in names})


def _require(is_right: bool, path: str, value: object, expected: str) -> None:
    if not is_right:
        raise ParamsError(f"{path} is {value!r}; expected {expected}. Mend it in params.yaml")
