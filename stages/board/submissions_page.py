"""What others sent in: submitted defenses with claimed, verified and lowest known; hidden rounds; break-it entries."""

from dataclasses import dataclass
from typing import NamedTuple

from stages.board.lowest import Lowest
from stages.board.names import organism_name
from stages.board.rows import Row
from stages.board.sent import Round
from stages.board.site import Site
from stages.records.counts import Hits, Interval
from stages.records.files import page_json
from stages.records.results import BENCHMARK_VERSION
from stages.rounds.rows import Figures, RoundRow
from stages.scoring.metrics import ATTACK_LEFT

SCHEMA_VERSION = 1


class InRound(NamedTuple):
    """What a defense came to in one hidden round."""

    round: str
    is_closed: bool
    row: RoundRow


@dataclass(frozen=True)
class SubmittedRow:
    """A submitted defense as its line of the table has it. `lowest` is None where nobody has attacked it.

    `flagged` are the models that are nearer to a clean sibling than to their input.
    """

    row: Row
    by: str
    claimed: float | None
    lowest: Lowest | None
    rounds: tuple[InRound, ...]
    flagged: Hits


def submitted_rows(site: Site) -> dict[str, SubmittedRow]:
    """Every submitted defense, by name."""
    named = site.inputs.sent.submissions.submitted
    return {
        name: SubmittedRow(
            site.board.submitted[name],
            given.by,
            given.claimed,
            site.lowest.get(name),
            in_rounds(name, site.inputs.sent.rounds),
            _flagged(name, site),
        )
        for name, given in named.items()
    }


def in_rounds(defense: str, rounds: tuple[Round, ...]) -> tuple[InRound, ...]:
    """The rounds in which a defense was scored."""
    return tuple(
        InRound(each.opening.round, each.is_closed, each.rows[defense]) for each in rounds if defense in each.rows
    )


def _flagged(defense: str, site: Site) -> Hits:
    weighed = [cell for name, cell in site.inputs.sent.weighed.items() if name.partition("--")[2] == defense]
    return Hits(sum(cell.n_flagged for cell in weighed), sum(len(cell.seeds) for cell in weighed))


def submissions_page(site: Site) -> dict[str, str]:
    """The content of submissions.html."""
    return site.page(
        "submissions.html",
        "submissions.html.j2",
        submitted=submitted_rows(site),
        rounds=site.inputs.sent.rounds,
        broken=[(name, each) for name, lowest in site.lowest.items() for each in lowest.entries],
        lowest=site.lowest,
        entries=site.inputs.sent.entries,
        organisms=attacked_organisms(site),
    )


def attacked_organisms(site: Site) -> dict[str, str]:
    """The names of their organisms, by attacked cell."""
    attacked = site.inputs.sent.submissions.breaks
    return {name: organism_name(cell.organism, site.inputs.params) for name, cell in attacked.items()}


def submissions_json(site: Site) -> dict[str, str]:
    """The content of submissions.json: the same for programs."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "benchmark_version": BENCHMARK_VERSION,
        "submitted": [
            {
                "defense": name,
                "by": each.by,
                "claimed": each.claimed,
                "organisms": each.row.organisms,
                "verified": each.row.metrics[ATTACK_LEFT],
                "lowest_known": _attack_left(each.lowest.row if each.lowest else each.row),
                "flagged": each.flagged,
                "rounds": {found.round: found.row.figures for found in each.rounds},
            }
            for name, each in submitted_rows(site).items()
        ],
        "broken": [
            {
                "defense": name,
                "organisms": lowest.row.organisms,
                "lowest_known": _attack_left(lowest.row),
                "outcomes": lowest.row.outcomes,
                "is_lower": lowest.is_lower,
                "worse": lowest.worse,
                "entries": lowest.entries,
            }
            for name, lowest in site.lowest.items()
        ],
        "rounds": [_round(each) for each in site.inputs.sent.rounds],
    }
    return {"submissions.json": page_json(content)}


def _attack_left(row: Row) -> Interval | None:
    return row.metrics[ATTACK_LEFT]


def _round(each: Round) -> dict[str, object]:
    figures: dict[str, Figures] = {name: row.figures for name, row in each.rows.items()}
    return {
        "round": each.opening.round,
        "is_closed": each.is_closed,
        "secret_sha256": each.opening.secret_sha256,
        "rows": figures,
    }
