"""The board as JSON, CSV and Markdown, and the curves as CSV: the same rows, for programs and for the README."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence

from stages.board.blocks import LeftOut
from stages.board.columns import (
    ATTACK_LEFT,
    BY_ORGANISM,
    COMPACT,
    OF_ARMS,
    Column,
    models_text,
    share_text,
    why_left_out,
)
from stages.board.lowest import Lowest
from stages.board.plugins import DEFENSE
from stages.board.rows import BREAKS, SUBMITTED, Board, CurvePoint, Row
from stages.records.counts import Interval
from stages.records.files import page_json, plain
from stages.records.results import BENCHMARK_VERSION, FAILED_DEFENSE

SCHEMA_VERSION = 3
PARTS = ("mean", "low", "high", "n")
SHARE_PARTS = ("k", "n", "low", "high")
NOT_ATTACKED: Mapping[str, Lowest] = {}


def leaderboard_json(board: Board) -> str:
    """The content of leaderboard.json: whole rows, and of each organism and each arm what the page shows.

    Lists, not mappings: `dvc metrics show` prints a column for every number that it finds under a name.
    """
    content = {
        "schema_version": SCHEMA_VERSION,
        "benchmark_version": BENCHMARK_VERSION,
        "blocks": {"seeds": board.blocks.seeds, "lost": board.blocks.lost},
        "left_out": [_left_out(left_out) for left_out in board.blocks.left_out],
        "rows": board.rows,
        "pairs": [{**pair._asdict(), "is_separated": pair.is_separated} for pair in board.pairs],
        "by_organism": [
            {"organism": organism, "rank": row.rank, **_models(row), "metrics": _metrics(row, BY_ORGANISM)}
            for organism, rows in board.by_organism.items()
            for row in rows
        ],
        "arms": [
            {
                "arm": name,
                "organism": row.organisms[0],
                **_models(row),
                "metrics": _metrics(row, OF_ARMS),
                "worst_near_miss": row.worst_near_miss,
            }
            for name, row in board.arms.items()
        ],
    }
    return page_json(content)


def _left_out(left_out: LeftOut) -> dict[str, object]:
    return {
        "organism": left_out.result.organism,
        "attack_success_rate": left_out.attack_success_rate,
        "false_trigger_rate": left_out.false_trigger_rate,
        "untrained": left_out.result.failed_training,
    }


def _models(row: Row) -> dict[str, object]:
    return {
        "defense": row.defense,
        "standing": row.standing,
        "outcomes": row.outcomes,
        "false_assurance": row.false_assurance,
    }


def _metrics(row: Row, columns: Iterable[Column]) -> dict[str, Interval | None]:
    return {column.metric: column.interval(row) for column in columns}


def leaderboard_csv(rows: Sequence[Row]) -> str:
    """One line a row; unknown is empty, lists are joined with a space, costs are JSON."""
    shares = [*rows[0].outcomes, "false_assurance"]
    heading = ["rank", "standing", "defense", "role", "needs", "organisms", "n_seeds", "n_scored"]
    heading += [f"{name}_{part}" for name in shares for part in SHARE_PARTS]
    heading += [f"{name}_{part}" for name in rows[0].metrics for part in PARTS] + ["worst_near_miss", "cost"]
    lines: list[list[object]] = [list(heading)]
    for row in rows:
        line: list[object] = [row.rank, row.standing, row.defense, row.role]
        line += [" ".join(row.needs), " ".join(row.organisms), row.n_seeds, row.n_scored]
        for share in (*row.outcomes.values(), row.false_assurance):
            line += [share.k, share.n, share.low, share.high]
        line += [value for interval in row.metrics.values() for value in _parts(interval)]
        lines.append([*line, row.worst_near_miss, json.dumps(plain(row.cost), sort_keys=True)])
    return _write(lines)


def curves_csv(points: Iterable[CurvePoint]) -> str:
    """One line a point, for `dvc plots` and any plotting tool."""
    heading = ["organism", "defense", "dose_tokens", "attack", "low", "high", "n"]
    return _write([heading, *([p.organism, p.defense, p.dose_tokens, *_parts(p.attack)] for p in points)])


def leaderboard_markdown(board: Board, lowest: Mapping[str, Lowest] = NOT_ATTACKED) -> str:
    """The five columns of the README, in the order of the board, and the organisms that could not be scored.

    `lowest` has the rows that were attacked: one that an entry lowers says so.
    """
    heading = ["Defense", "What became of the models", "Look safe and are not", *COMPACT]
    align = [":--", ":--", "--:", *["--:"] * len(COMPACT)]
    body = [
        [
            _name(row, lowest.get(row.defense)),
            models_text(row.outcomes),
            " ".join(share_text(row.false_assurance)).strip(),
            *(_cell(column, row) for column in COMPACT.values()),
        ]
        for row in board.rows
    ]
    table = "".join(f"| {' | '.join(line)} |\n" for line in (heading, align, *body))
    return table + "".join(f"\n`{one.result.organism}` {why_left_out(one)}\n" for one in board.blocks.left_out)


def _name(row: Row, lowest: Lowest | None) -> str:
    notes = [*([] if row.role == DEFENSE else ["yardstick"])]
    notes += [row.standing] if row.standing in (BREAKS, SUBMITTED) else []
    notes += [f"needs {need}" for need in row.needs]
    n_failed = sum(failed.status == FAILED_DEFENSE for failed in row.failed_seeds)
    notes += [f"failed in {n_failed} of {row.n_seeds} seeds"] if n_failed else []
    notes += [f"lowered by {', '.join(each.entry for each in lowest.credited)}"] if lowest and lowest.is_lower else []
    return f"`{row.defense}`" + (f" ({', '.join(notes)})" if notes else "")


def _cell(column: Column, row: Row) -> str:
    interval, attack_left = column.interval(row), ATTACK_LEFT.interval(row)
    if interval is None:
        return column.mean(row)
    is_fewer = attack_left is not None and interval.n != attack_left.n
    return f"{column.mean(row)} {column.bounds(row)}" + (f" (n {interval.n})" if is_fewer else "")


def _parts(interval: Interval | None) -> list[float | int | None]:
    return [None] * len(PARTS) if interval is None else [getattr(interval, part) for part in PARTS]


def _write(lines: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()
