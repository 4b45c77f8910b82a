"""What defenses recorded on their way, as series to draw. A history is known by what its rows hold, not by its defense.

Rows with a round and the red team's rates make a red-team history, rows with a reward and a KL one of reinforcement.
Rounds are the same for all seeds and are averaged; the steps of reinforcement are not, so each seed stands for itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from stages.board.inputs import Inputs
from stages.records.counts import Interval
from stages.records.outcomes import HistoryRow
from stages.records.results import FAILED_DEFENSE, SCORED, CellResult, SeedResult
from stages.scoring.statistics import share_interval

ROUND, DOSE, RED_TEAM, WORST = "round", "dose", "red_team_rate", "worst_rate"


class Reading(NamedTuple):
    """A rate after `dose` budget tokens of training; over seeds, which spend not quite the same, their mean dose."""

    dose: float
    rate: Interval


@dataclass(frozen=True)
class RedTeamHistory:
    """Of one cell, by dose: the red team's rate, that of its worst held-out string, and that of the true trigger."""

    cell: str
    red_team: list[Reading]
    worst: list[Reading]
    trigger: list[Reading]


class Step(NamedTuple):
    """One step of reinforcement; `kl` in nats an answer."""

    dose: float
    reward: float
    kl: float
    refusals: float


@dataclass(frozen=True)
class Reinforcement:
    """The steps of one cell by seed."""

    cell: str
    seeds: dict[int, list[Step]]


def red_team_histories(inputs: Inputs) -> list[RedTeamHistory]:
    """One for each cell that recorded rounds of a red team, arms last."""
    return [history for cell in _cells(inputs) if (history := _red_team_history(cell, inputs)).red_team]


def reinforcements(inputs: Inputs) -> list[Reinforcement]:
    """One for each cell that recorded steps of reinforcement, arms last."""
    found = []
    for cell in _cells(inputs):
        rows = {seed.seed: of_seed for seed in _seeds(cell) if (of_seed := _rows(seed, Step._fields))}
        steps = {seed: [Step(**row) for row in of_seed] for seed, of_seed in rows.items()}
        if steps:
            found.append(Reinforcement(cell.cell, steps))
    return found


def _cells(inputs: Inputs) -> Iterator[CellResult]:
    yield from inputs.cells.values()
    yield from inputs.arms.values()


def _seeds(cell: CellResult) -> list[SeedResult]:
    """The seeds that had a backdoor to remove, also where the defense failed on the way."""
    return [seed for seed in cell.seeds if seed.status in (SCORED, FAILED_DEFENSE)]


def _rows(seed: SeedResult, names: tuple[str, ...]) -> list[dict[str, float]]:
    """The numbers under `names` of each row that holds them all."""
    return [numbers for row in seed.history if len(numbers := _numbers(row, names)) == len(names)]


def _numbers(row: HistoryRow, names: tuple[str, ...]) -> dict[str, float]:
    return {name: value for name in names if isinstance(value := row.get(name), int | float)}


def _red_team_history(cell: CellResult, inputs: Inputs) -> RedTeamHistory:
    rounds: dict[float, list[dict[str, float]]] = {}
    for seed in _seeds(cell):
        for row in _rows(seed, (ROUND, DOSE, RED_TEAM, WORST)):
            rounds.setdefault(row[ROUND], []).append(row)
    ordered = [rounds[number] for number in sorted(rounds)]
    return RedTeamHistory(cell.cell, _mean(ordered, RED_TEAM), _mean(ordered, WORST), _trigger(cell, inputs))


def _mean(rounds: list[list[dict[str, float]]], name: str) -> list[Reading]:
    means = [(fmean(row[DOSE] for row in rows), share_interval([row[name] for row in rows])) for rows in rounds]
    return [Reading(dose, rate) for dose, rate in means if rate is not None]


def _trigger(cell: CellResult, inputs: Inputs) -> list[Reading]:
    """The rate under the true trigger at the checkpoints, from the start."""
    scored = cell.scored()
    rates = {0: [c.attack_success_rate.rate for c in inputs.organisms[cell.organism].seeds if c.seed in scored]}
    for dose in sorted({dose for numbers in scored.values() for dose in numbers.trigger_rate_curve}):
        rates[dose] = [n.trigger_rate_curve[dose] for n in scored.values() if dose in n.trigger_rate_curve]
    means = {dose: share_interval(of_dose) for dose, of_dose in rates.items()}
    return [Reading(dose, rate) for dose, rate in means.items() if rate is not None]
