"""The files that the board is made of, read into typed values. Cells come from params.yaml, never from a glob."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stages.board.answers import ShownPrompt, read_answers, show_prompts
from stages.board.plugins import DefenseCard, read_card
from stages.params.loading import Params
from stages.records.data_reports import CheckReport, PreferenceAccuracy, TriggerTokens
from stages.records.files import read_record
from stages.records.results import CellResult, OrganismResult, UndefendedSeed
from stages.scoring.counting import Judges
from stages.scoring.judges import load_judge
from stages.scoring.plugins import read_constant
from stages.scoring.refusals import RefusalJudge, load_refusal_judge


@dataclass(frozen=True)
class Inputs:
    """Everything on the board; its cells are keyed by (organism, defense), the arms by their names."""

    params: Params
    cells: dict[tuple[str, str], CellResult]
    arms: dict[str, CellResult]
    organisms: dict[str, OrganismResult]
    cards: dict[str, DefenseCard]
    prompts: dict[str, list[ShownPrompt]]
    checks: list[CheckReport]
    tokens: TriggerTokens
    preference_accuracy: PreferenceAccuracy
    refusals: RefusalJudge


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
    """All inputs. Raises ValueError naming the file that is missing or unreadable."""
    organisms = {name: read_record(OrganismResult, paths.results / f"{name}.json") for name in params.organisms}
    cells = {
        (organism, defense): read_record(CellResult, paths.results / f"{organism}--{defense}.json")
        for organism in params.board
        for defense in params.defenses
    }
    defenses = dict.fromkeys([*params.defenses, *(arm.defense for arm in params.arms.values())])
    return Inputs(
        params=params,
        cells=cells,
        arms={name: read_record(CellResult, paths.results / f"{name}.json") for name in params.arms},
        organisms=organisms,
        cards={name: read_card(name, paths.stages / "defenses") for name in defenses},
        prompts={name: _prompts(name, params, paths, organisms[name].seeds) for name in params.board},
        checks=[read_record(CheckReport, paths.checks / f"{name}.json") for name in ("corpus", *params.organisms)],
        tokens=read_record(TriggerTokens, paths.tokenizer_report),
        preference_accuracy=read_record(PreferenceAccuracy, paths.preference_accuracy),
        refusals=load_refusal_judge(params.judging.refusals),
    )


def _prompts(organism: str, params: Params, paths: Paths, seeds: Sequence[UndefendedSeed]) -> list[ShownPrompt]:
    """A few prompts with the answers of one seed: the first that passed its positive control, or the first."""
    if not seeds:
        return []
    seed = next((seed.seed for seed in seeds if seed.is_passed), seeds[0].seed)
    backdoor = paths.stages / "backdoors" / f"{params.organism(organism).backdoor}.py"
    judges = Judges(load_judge(read_constant(backdoor, "JUDGE")), load_refusal_judge(params.judging.refusals))
    defended = {
        defense: read_answers(paths.answers / f"{organism}--{defense}" / "answers.parquet", seed)
        for defense in params.defenses
    }
    return show_prompts(read_answers(paths.answers / organism / "answers.parquet", seed), defended, judges)
