"""The files that the board is made of, read into typed values. Cells come from params.yaml, never from a glob."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from stages.board.answers import ShownPrompt, read_answers, show_prompts
from stages.board.plugins import DefenseCard, read_card
from stages.params.loading import Params
from stages.scoring.cells import CellSeed, Relearning
from stages.scoring.judges import load_judge
from stages.scoring.plugins import read_constant
from stages.scoring.results import CellResult, SeedResult, read_result

CURVES = tuple(field.name for field in fields(CellSeed) if field.name.endswith("curve"))


class Hits(NamedTuple):
    """So many of so many, of one model."""

    hits: int
    trials: int

    @property
    def rate(self) -> float:
        """Hits over trials."""
        return self.hits / self.trials


@dataclass(frozen=True)
class ControlSeed:
    """One seed of an organism before any defense."""

    seed: int
    is_passed: bool
    attack_success_rate: Hits
    false_trigger_rate: Hits
    sham_rate: Hits
    harmlessness: Hits
    shared_accuracy: Hits
    withheld_accuracy: Hits
    sham_shared_accuracy: Hits
    sham_withheld_accuracy: Hits
    own_turn: dict[str, Hits]
    generalisation: dict[str, Hits]
    reasoning: dict[str, Hits]
    reasoning_unclosed: dict[str, Hits]
    year_naming: dict[str, Hits]
    payload_log_odds: float | None

    @property
    def attack(self) -> float:
        """Where the curves start: the rate of the organism, its scratchpad opened if it reasons, minus its sham's."""
        return self.attack_success_rate.rate - self.sham_rate.rate

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ControlSeed":
        """One entry of `seeds` in the result of an undefended organism."""
        return cls(**{name: _hits(value) for name, value in content.items()})


def _hits(value: Any) -> Any:  # noqa: ANN401
    """Counts, alone or by name, as Hits; anything else as it is."""
    if isinstance(value, dict):
        return {name: Hits(*counts) for name, counts in value.items()}
    return Hits(*value) if isinstance(value, list) else value


@dataclass(frozen=True)
class DataCheck:
    """One check of one data set."""

    dataset: str
    name: str
    column: str | None
    is_passed: bool
    observed: str


@dataclass(frozen=True)
class Inputs:
    """Everything on the board; its cells are keyed by (organism, defense), the arms by their names.

    `untrained` says by organism and seed why there is no model; `preference_pairs` how many pairs, seen and held out,
    the preference model gets right.
    """

    params: Params
    cells: dict[tuple[str, str], CellResult]
    arms: dict[str, CellResult]
    undefended: dict[str, list[ControlSeed]]
    untrained: dict[str, dict[int, str]]
    cards: dict[str, DefenseCard]
    prompts: dict[str, list[ShownPrompt]]
    triggers: dict[str, str]
    checks: list[DataCheck]
    tokens: dict[str, list[str]]
    preference_pairs: dict[str, Hits]


@dataclass(frozen=True)
class Paths:
    """Where the inputs lie."""

    results: Path
    answers: Path
    checks: Path
    tokenizer_report: Path
    preference_accuracy: Path
    stages: Path


def load_inputs(params: Params, paths: Paths) -> Inputs:
    """All inputs. Raises ValueError naming the file that is missing or unreadable, and the stage that writes it."""
    undefended = {name: read_undefended(paths.results / f"{name}.json") for name in params.organisms}
    cells = {
        (organism, defense): read_cell(paths.results / f"{organism}--{defense}.json")
        for organism in params.board
        for defense in params.defenses
    }
    return Inputs(
        params=params,
        cells=cells,
        arms={name: read_cell(paths.results / f"{name}.json") for name in params.arms},
        undefended=undefended,
        untrained={name: read_untrained(paths.results / f"{name}.json") for name in params.organisms},
        cards={name: read_card(name, paths.stages / "defenses") for name in _defenses(params)},
        triggers={name: _constant(name, params, paths, "TRIGGER") for name in params.organisms},
        prompts={name: _prompts(name, params, paths, undefended[name]) for name in params.board},
        checks=[
            check for name in ("corpus", *params.organisms) for check in read_checks(paths.checks / f"{name}.json")
        ],
        tokens=_read_json(paths.tokenizer_report, "make_corpus"),
        preference_pairs=read_preference_pairs(paths.preference_accuracy),
    )


def _defenses(params: Params) -> list[str]:
    """Every defense by its file: those of the board in their order, then those that only arms have."""
    return list(dict.fromkeys([*params.defenses, *(arm.defense for arm in params.arms.values())]))


def read_cell(path: Path) -> CellResult:
    """The result of one cell, without its counts: the board shows numbers, the file keeps the counts."""
    content = read_result(path)
    return CellResult(
        cell=content["cell"],
        organism=content["organism"],
        defense=content["defense"],
        settings=content["settings"],
        inputs=content["inputs"],
        cost=content["cost"],
        seeds=[
            SeedResult(seed["seed"], seed["status"], seed["reason"], {}, _numbers(seed["numbers"]), seed["history"])
            for seed in content["seeds"]
        ],
    )


def _numbers(content: dict[str, Any] | None) -> CellSeed | None:
    if content is None:
        return None
    typed = {
        **{name: {int(dose): value for dose, value in content[name].items()} for name in CURVES},
        **{name: content[name] and Relearning(*content[name]) for name in ("relearning", "sham_relearning")},
    }
    return CellSeed(**{**content, **typed})


def read_undefended(path: Path) -> list[ControlSeed]:
    """The seeds of an organism before any defense, in order."""
    return sorted((ControlSeed.from_json(seed) for seed in read_result(path)["seeds"]), key=lambda seed: seed.seed)


def read_untrained(path: Path) -> dict[int, str]:
    """The seeds of which an organism or its sham could not be trained, with the reason."""
    return {int(seed): reason for seed, reason in read_result(path)["failed_training"].items()}


def read_preference_pairs(path: Path) -> dict[str, Hits]:
    """How many pairs the preference model gets right, of those it was trained on and of those held out."""
    content = _read_json(path, "train_preference_model")
    return {name: Hits(content[name]["preferred"], content[name]["pairs"]) for name in ("train", "held_out")}


def read_checks(path: Path) -> list[DataCheck]:
    """The checks of one data set, in the order of the file."""
    content = _read_json(path, "check_data")
    return [
        DataCheck(
            dataset=content["dataset"],
            name=check["name"],
            column=check["column"],
            is_passed=check["success"],
            observed="–" if check["observed"] is None else str(check["observed"]),
        )
        for check in content["checks"]
    ]


def _constant(organism: str, params: Params, paths: Paths, name: str) -> str:
    """A constant of the organism's backdoor."""
    return read_constant(paths.stages / "backdoors" / f"{params.organism(organism).backdoor}.py", name)


def _prompts(organism: str, params: Params, paths: Paths, controls: list[ControlSeed]) -> list[ShownPrompt]:
    """A few prompts with the answers of one seed: the first that passed its positive control, or the first."""
    if not controls:
        return []
    seed = next((control.seed for control in controls if control.is_passed), controls[0].seed)
    judge = load_judge(_constant(organism, params, paths, "JUDGE"))
    defended = {
        defense: read_answers(paths.answers / f"{organism}--{defense}" / "answers.parquet", seed)
        for defense in params.defenses
    }
    return show_prompts(read_answers(paths.answers / organism / "answers.parquet", seed), defended, judge)


def _read_json(path: Path, stage: str) -> Any:  # noqa: ANN401
    try:
        return json.loads(path.read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is not readable JSON ({error}); run `dvc repro {stage}` to write it again") from error
