"""Checking a closed round: the secret is the one committed to, data are remade from it, figures follow from counts.

The first thing that does not fit is an error that names it, and the figure where it is one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TypeVar

from stages.records.files import read_record
from stages.records.results import (
    FAILED_CONTROL,
    FAILED_DEFENSE,
    SCORED,
    SURVIVES,
    CellResult,
    OrganismResult,
    SeedResult,
    UndefendedSeed,
)
from stages.rounds.dealing import deal
from stages.rounds.keys import commitment, keyed_hash
from stages.rounds.published import CLOSING, COUNTS, MODELS, OPENING, ROWS, UNDEFENDED, Closing, Hashes, Opening
from stages.rounds.rows import Figures, Pair, RoundRow, figures_of, is_signed
from stages.scoring.cells import score_cell
from stages.scoring.organisms import _is_within, measure_undefended  # private: renaming it would make results stale
from stages.scoring.outcomes import looks_safe, outcome_of
from stages.scoring.rates import ORGANISM, SHAM, Counted

HEX = re.compile("([0-9a-f]{2})+")

Record = TypeVar("Record")


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
    opening, closing = _published(Opening, folder / OPENING), _published(Closing, folder / CLOSING)
    secret = revealed(opening, closing)
    require_deal(closing, secret, _published(Hashes, folder / MODELS))
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
    if closing.round != opening.round:
        raise AuditError(f"{CLOSING} closes the round {closing.round}, and {OPENING} opens {opening.round}")
    secret = bytes.fromhex(closing.secret)
    if commitment(secret) != opening.secret_sha256:
        raise AuditError(
            f"{CLOSING}: the SHA-256 of its secret is {commitment(secret)}, and {OPENING} committed to "
            f"{opening.secret_sha256}"
        )
    return secret


def require_deal(closing: Closing, secret: bytes, models: Hashes) -> None:
    """Raise AuditError unless the deal is the secret's, and of the models whose hashes came with the first row."""
    named = [(dealt.organism, dealt.model, dealt.seed) for dealt in closing.deal.values()]
    if deal(secret, named) != closing.deal:
        raise AuditError(f"{CLOSING}: its deal is not the one that the secret gives for these models")
    if closing.deal.keys() != models.keys():
        raise AuditError(
            f"{CLOSING} deals {sorted(closing.deal)}, and {MODELS}, published with the first row, has {sorted(models)}"
        )


def audit_row(folder: Path, name: str, closing: Closing, secret: bytes) -> None:
    """Raise AuditError where a row does not follow from its counts, or is not as it was signed."""
    row = _published(RoundRow, folder / ROWS / f"{name}.json")
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
    """The counts of each organism. Raises AuditError where they are not those of the dealt models, each once."""
    for organism in sorted({dealt.organism for dealt in closing.deal.values()}):
        before = _published(OrganismResult, counts / UNDEFENDED / f"{organism}.json")
        after = _published(CellResult, counts / name / f"{organism}.json")
        dealt = {(d.model, d.seed) for d in closing.deal.values() if d.organism == organism}
        for folder, seeds, shams in ((UNDEFENDED, before.seeds, before.shams), (name, after.seeds, after.shams)):
            found = [(ORGANISM, seed.seed) for seed in seeds] + [(SHAM, seed) for seed in shams]
            where = f"{COUNTS}/{folder}/{organism}.json"
            if missing := {each for each in dealt if each[0] == ORGANISM or folder == UNDEFENDED} - set(found):
                raise AuditError(f"{where} has no answers of seed {min(missing)[1]}, which was dealt")
            if len(found) != len(set(found)) or not set(found) <= dealt:
                raise AuditError(f"{where} has models that were not dealt, or one twice: {sorted(found)}")
        yield Pair(before, after)


def _published(kind: type[Record], path: Path) -> Record:
    """The record in a published file. Raises AuditError where it is missing or not as a round publishes it."""
    try:
        return read_record(kind, path)
    except ValueError as error:
        raise AuditError(f"{path.parent.name}/{path.name} is missing, or not as a round publishes it") from error


def recounted(pair: Pair, name: str) -> Pair:
    """The pair with all numbers from its counts anew. Raises AuditError where one was another."""
    before = {seed.seed: _recounted_before(seed, pair.before) for seed in pair.before.seeds}
    for seed in pair.before.seeds:
        where = f"{COUNTS}/{UNDEFENDED}/{pair.before.organism}.json, seed {seed.seed}"
        _require_equal(seed, before[seed.seed], where)
    seeds = [_recounted_after(seed, before[seed.seed], pair.after) for seed in pair.after.seeds]
    for came, counted in zip(pair.after.seeds, seeds, strict=True):
        where = f"{COUNTS}/{name}/{pair.after.organism}.json, seed {came.seed}"
        _require_equal(came, counted, where)
        if (came.numbers is None) != (counted.numbers is None):
            raise AuditError(f"{where}: its numbers and its status, {came.status}, contradict each other")
        if came.numbers is not None and counted.numbers is not None:
            _require_equal(came.numbers, counted.numbers, where)
    return pair._replace(after=replace(pair.after, seeds=tuple(seeds)))


def _require_equal(came: object, counted: object, where: str) -> None:
    skipped = ("numbers",)  # a record of its own, looked at next
    for field, value in vars(came).items():
        if field not in skipped and value != getattr(counted, field):
            raise AuditError(f"{where}: {field} is {value}, and its counts give {getattr(counted, field)}")


def _recounted_before(seed: UndefendedSeed, organism: OrganismResult) -> UndefendedSeed:
    """The seed before any defense from its counts, and whether it passes; two figures are of answers, not of counts."""
    measured = measure_undefended(seed.seed, Counted(seed.counts, organism.shams))
    measured = replace(measured, payload_log_odds=seed.payload_log_odds, continuations=seed.continuations)
    return replace(measured, is_passed=_is_within(measured, organism.positive_control))


def _recounted_after(seed: SeedResult, before: UndefendedSeed, cell: CellResult) -> SeedResult:
    """The seed with its numbers, its status and its end from its counts; without an output the backdoor survives."""
    unscored = replace(seed, status=FAILED_CONTROL, outcome=None, looks_safe=False, numbers=None)
    if not before.is_passed:
        return unscored
    if not seed.counts or not cell.shams:
        return replace(unscored, status=FAILED_DEFENSE, outcome=SURVIVES)
    n_doses = -1  # never the whole grid
    if seed.numbers is not None and seed.numbers.residual_attack is not None:
        n_doses = len(seed.numbers.curve)
    numbers = score_cell(Counted(seed.counts, cell.shams), before, n_doses)
    end, safe = outcome_of(numbers, before), looks_safe(numbers, seed.history)
    return replace(seed, status=SCORED, outcome=end, looks_safe=safe, numbers=numbers)
