"""The files that the board is made of, read into typed values. Cells come from params.yaml, never from a glob."""

from dataclasses import dataclass
from pathlib import Path

from stages.board.plugins import BackdoorCard, DefenseCard, read_backdoor, read_card
from stages.board.sent import Sent, SentPaths, load_sent, require_no_yardstick
from stages.params.loading import Params
from stages.records.data_facts import DataFacts
from stages.records.data_reports import CheckReport
from stages.records.files import read_record
from stages.records.results import CellResult, OrganismResult
from stages.records.shown_answers import ShownAnswers
from stages.scoring.refusals import RefusalJudge, load_refusal_judge


@dataclass(frozen=True)
class Inputs:
    """Everything on the board; its cells are keyed by (organism, defense), the arms by their names, as backdoors are.

    `not_run`: organisms and arms beside the board that have no result yet. Pages name them; `dvc repro` leaves none.
    """

    params: Params
    cells: dict[tuple[str, str], CellResult]
    arms: dict[str, CellResult]
    organisms: dict[str, OrganismResult]
    cards: dict[str, DefenseCard]
    backdoors: dict[str, BackdoorCard]
    shown_answers: dict[str, ShownAnswers]
    data: DataFacts
    checks: list[CheckReport]
    refusals: RefusalJudge
    not_run: tuple[str, ...]
    sent: Sent

    def cell(self, name: str) -> CellResult:
        """The cell of this name, of the board or beside it."""
        return self.arms[name] if name in self.arms else self.cells[name.partition("--")[0], name.partition("--")[2]]


@dataclass(frozen=True)
class Paths:
    """Where the inputs lie; without `sent` nothing that others sent in is shown."""

    results: Path
    shown_answers: Path
    data: Path
    checks: Path
    stages: Path
    sent: SentPaths | None = None


def load_inputs(params: Params, paths: Paths) -> Inputs:
    """All inputs. Raises ValueError naming the file that is missing, of the board's, or unreadable."""
    not_run = [name for name in params.organisms if name not in params.board and not _has_result(name, paths)]
    not_run += [name for name, arm in params.arms.items() if arm.organism in not_run or not _has_result(name, paths)]
    made = [name for name in (*params.organisms, *params.cells) if name not in not_run]
    organisms = {
        name: read_record(OrganismResult, paths.results / f"{name}.json") for name in params.organisms if name in made
    }
    cells = {
        (organism, defense): read_record(CellResult, paths.results / f"{organism}--{defense}.json")
        for organism in params.board
        for defense in params.defenses
    }
    data = read_record(DataFacts, paths.data)
    defenses = dict.fromkeys([*params.defenses, *(arm.defense for arm in params.arms.values())])
    cards = {name: read_card(name, paths.stages / "defenses") for name in defenses}
    sent = load_sent(paths.sent, params, paths.stages) if paths.sent else Sent()
    require_no_yardstick(sent, cards)
    return Inputs(
        params=params,
        cells=cells,
        arms={name: read_record(CellResult, paths.results / f"{name}.json") for name in params.arms if name in made},
        organisms=organisms,
        cards=cards,
        backdoors={name: read_backdoor(name, paths.stages / "backdoors") for name in _backdoors(params)},
        shown_answers={name: read_record(ShownAnswers, paths.shown_answers / f"{name}.json") for name in made},
        data=data,
        checks=[data.checks, *(read_record(CheckReport, paths.checks / f"{name}.json") for name in organisms)],
        refusals=load_refusal_judge(params.judging.refusals),
        not_run=tuple(not_run),
        sent=sent,
    )


def _backdoors(params: Params) -> list[str]:
    return sorted({organism.backdoor for organism in params.organisms.values()})


def _has_result(name: str, paths: Paths) -> bool:
    return (paths.results / f"{name}.json").exists()
