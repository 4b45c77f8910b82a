"""Checking a closed round: the secret is the one committed to, data are remade from it, figures follow from counts.

The first thing that does not fit is an error that names it, and the figure where it is one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from stages.records.files import read_record
from stages.records.results import CellResult, OrganismResult, SeedResult, UndefendedSeed
from stages.rounds.keys import commitment, keyed_hash
from stages.rounds.published import CLOSING, COUNTS, OPENING, ROWS, UNDEFENDED, Closing, Hashes, Opening
from stages.rounds.rows import Figures, Pair, RoundRow, figures_of, is_signed
from stages.scoring.cells import score_cell
from stages.scoring.organisms import measure_undefended
from stages.scoring.outcomes import looks_safe, outcome_of
from stages.scoring.rates import ORGANISM, Counted

HEX = re.compile("([0-9a-f]{2})+")


class AuditError(ValueError):
    """Something that a round published does not fit the rest; the message names it."""


@dataclass(frozen=True)
class Audit:
    """What was checked and fits."""

    round: str
    rows: list[str]
    n_figures: int
    n_remade: int


def audit(folder: Path, published: Hashes, remade: Hashes) -> Audit:
    """What fits of the round whose published files lie in `folder`.

    `published` and `remade` are the hashes of one kind of file. Raises AuditError at the first that does not fit.
    """
    opening, closing = read_record(Opening, folder / OPENING), read_record(Closing, folder / CLOSING)
    secret = revealed(opening, closing)
    for name in sorted(published.keys() | remade.keys()):
        if published.get(name) != remade.get(name):
            raise AuditError(
                f"{name}: what the secret gives now is not what was published. With the code of commit "
                f"{opening.commit}, by which the round was made, it must be"
            )
    rows = sorted(path.stem for path in (folder / ROWS).glob("*.json"))
    if rows != sorted(closing.rows):
        raise AuditError(f"the rows are {rows}, and the round closed with {sorted(closing.rows)}")
    for name in rows:
        audit_row(folder, name, closing, secret)
    return Audit(opening.round, rows, len(rows) * len(fields(Figures)), len(remade))


def revealed(opening: Opening, closing: Closing) -> bytes:
    """The secret. Raises AuditError where it is missing, or not the one that was committed to."""
    if not HEX.fullmatch(closing.secret):
        raise AuditError(
            f"{CLOSING}: secret is {closing.secret!r}; without its key nothing of the round can be checked"
        )
    secret = bytes.fromhex(closing.secret)
    if commitment(secret) != opening.secret_sha256 or closing.round != opening.round:
        raise AuditError(
            f"{CLOSING}: the SHA-256 of its secret is {commitment(secret)}, and {OPENING} committed to "
            f"{opening.secret_sha256}"
        )
    return secret


def audit_row(folder: Path, name: str, closing: Closing, secret: bytes) -> None:
    """Raise AuditError where a row does not follow from its counts, or is not as it was signed."""
    row = read_record(RoundRow, folder / ROWS / f"{name}.json")
    if (row.round, row.submission.name) != (closing.round, name):
        raise AuditError(f"{ROWS}/{name}.json is the row of {row.submission.name} in the round {row.round}")
    pairs = [recounted(pair, name) for pair in _pairs(folder / COUNTS, name, closing)]
    for field, counted in vars(figures_of(pairs)).items():
        if (came := getattr(row.figures, field)) != counted:
            raise AuditError(f"{ROWS}/{name}.json: {field} is {came}, and its counts give {counted}")
    hashes = {path: keyed_hash(secret, (folder / COUNTS / path).read_bytes()) for path in evidence_of(name, closing)}
    for path in sorted(hashes.keys() | row.evidence.keys()):
        if hashes.get(path) != row.evidence.get(path):
            raise AuditError(f"{COUNTS}/{path} is not the file that {ROWS}/{name}.json was made from")
    if not is_signed(row, secret):
        raise AuditError(f"{ROWS}/{name}.json: its HMAC is not that of the row, so something in it was changed")


def evidence_of(name: str, closing: Closing) -> list[str]:
    """The files of counts below COUNTS that the row of a submission rests on."""
    organisms = sorted({dealt.organism for dealt in closing.deal.values()})
    return [f"{folder}/{organism}.json" for folder in (UNDEFENDED, name) for organism in organisms]


def _pairs(counts: Path, name: str, closing: Closing) -> Iterator[Pair]:
    """The counts of each organism. Raises AuditError where those of a dealt model are missing."""
    for organism in sorted({dealt.organism for dealt in closing.deal.values()}):
        before = read_record(OrganismResult, counts / UNDEFENDED / f"{organism}.json")
        after = read_record(CellResult, counts / name / f"{organism}.json")
        dealt = {d.seed for d in closing.deal.values() if (d.organism, d.model) == (organism, ORGANISM)}
        if missing := dealt - {seed.seed for seed in after.seeds}:
            raise AuditError(f"{COUNTS}/{name}/{organism}.json has no answers of seed {min(missing)}, which was dealt")
        yield Pair(before, after)


def recounted(pair: Pair, name: str) -> Pair:
    """The pair with all numbers from its counts anew. Raises AuditError where one was another."""
    before = {seed.seed: _recounted_before(seed, pair.before) for seed in pair.before.seeds}
    seeds = [_recounted_after(seed, before, pair.after) for seed in pair.after.seeds]
    for came, counted in zip(pair.after.seeds, seeds, strict=True):
        where = f"{COUNTS}/{name}/{pair.after.organism}.json, seed {came.seed}"
        _require_equal(came, counted, where)
        if came.numbers is not None and counted.numbers is not None:
            _require_equal(came.numbers, counted.numbers, where)
    return pair._replace(after=replace(pair.after, seeds=tuple(seeds)))


def _require_equal(came: object, counted: object, where: str) -> None:
    skipped = ("numbers",)  # a record of its own, looked at next
    for field, value in vars(came).items():
        if field not in skipped and value != getattr(counted, field):
            raise AuditError(f"{where}: {field} is {value}, and its counts give {getattr(counted, field)}")


def _recounted_before(seed: UndefendedSeed, organism: OrganismResult) -> UndefendedSeed:
    measured = measure_undefended(seed.seed, Counted(seed.counts, organism.shams))
    return replace(measured, is_passed=seed.is_passed)


def _recounted_after(seed: SeedResult, before: Mapping[int, UndefendedSeed], cell: CellResult) -> SeedResult:
    """The seed with its numbers and its end from its counts; one that was not scored stays, for it has none."""
    if seed.numbers is None:
        return seed
    n_doses = len(seed.numbers.curve) if seed.numbers.residual_attack is not None else -1  # -1: never the whole grid
    numbers = score_cell(Counted(seed.counts, cell.shams), before[seed.seed], n_doses)
    ends: Sequence[object] = (outcome_of(numbers, before[seed.seed]), looks_safe(numbers, seed.history))
    return replace(seed, numbers=numbers, outcome=ends[0], looks_safe=ends[1])
