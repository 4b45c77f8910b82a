"""Seed blocks: which organisms of the board are scored, in which seeds, and what was lost on the way.

A seed block is one seed of every organism, so one organism without a backdoor in a seed costs all rows that block.
One that has a backdoor in none of the seeds that all organisms have would cost every block, and with them the board:
it is left out of all rows alike, whatever the defenses did, and the page says so.
"""

from dataclasses import dataclass

from stages.board.inputs import Inputs
from stages.records.counts import Interval
from stages.records.results import OrganismResult
from stages.scoring.statistics import MIN_PAIRS, share_interval


@dataclass(frozen=True)
class LeftOut:
    """An organism without a usable seed."""

    result: OrganismResult

    @property
    def attack_success_rate(self) -> Interval | None:
        """The mean over its seeds; None where no seed could be trained."""
        return share_interval([seed.attack_success_rate.rate for seed in self.result.seeds])

    @property
    def false_trigger_rate(self) -> Interval | None:
        """The mean over its seeds; None where no seed could be trained."""
        return share_interval([seed.false_trigger_rate.rate for seed in self.result.seeds])


@dataclass(frozen=True)
class Blocks:
    """The organisms that rows rest on, the seeds that all of them have, and the seeds that some of them lack."""

    organisms: tuple[str, ...]
    seeds: tuple[int, ...]
    lost: dict[str, tuple[int, ...]]
    left_out: tuple[LeftOut, ...]

    @property
    def are_too_few(self) -> bool:
        """Whether no row can be told from another."""
        return len(self.seeds) < MIN_PAIRS


def find_blocks(inputs: Inputs) -> Blocks:
    """The blocks of the board, by the positive controls alone."""
    params = inputs.params
    shared = sorted(set.intersection(*(set(params.seeds_of(params.organism(name))) for name in params.board)))
    passed = {name: set(inputs.organisms[name].passed()) for name in params.board}
    scored = tuple(name for name in params.board if passed[name].intersection(shared))
    return Blocks(
        organisms=scored,
        seeds=tuple(sorted(set.intersection(*(passed[name] for name in scored)))) if scored else (),
        lost={name: lost for name in scored if (lost := tuple(seed for seed in shared if seed not in passed[name]))},
        left_out=tuple(LeftOut(inputs.organisms[name]) for name in params.board if name not in scored),
    )
