"""A closed toy round as it is published: two organisms of two seeds, one submission, counts by hand."""

from dataclasses import replace
from pathlib import Path

from stages.records.files import write_json
from stages.records.results import SCORED
from stages.rounds.dealing import deal
from stages.rounds.keys import commitment, keyed_hash
from stages.rounds.published import Closing, Opening
from stages.rounds.rows import Pair, Submission, signed, unsigned_row
from stages.scoring.cells import score_cell
from stages.scoring.organisms import measure_undefended
from stages.scoring.outcomes import looks_safe, outcome_of
from stages.scoring.rates import Counted
from tests.results import cell_result, organism_result, seed_result
from tests.scoring.test_cells import counts_of

SECRET, OTHER = bytes(range(32)), bytes(32)
SEEDS = (5, 6)
HASHES = {"triggers.json": "a1", "poison_sets/0.parquet": "b2"}
# Attacks of 100 under the trigger after the defense, by organism and seed: 0.03, 0.30, 0.90 and 1.00 are left.
LEFT = {"format_a": {5: 3, 6: 30}, "format_b": {5: 90, 6: 100}}


def pair_of(organism: str) -> Pair:
    shams = {5: counts_of("sham", 0, 0, 0, 0)}
    counted = {seed: Counted(counts_of("poisoned", 100, 0, 0, 100), shams) for seed in SEEDS}
    before = {seed: replace(measure_undefended(seed, counted[seed]), is_passed=True) for seed in SEEDS}
    seeds = []
    for seed, left in LEFT[organism].items():
        counts = counts_of("poisoned", left, 0, 0, left)
        numbers = score_cell(Counted(counts, shams), before[seed], 2)
        ends = {"outcome": outcome_of(numbers, before[seed]), "looks_safe": looks_safe(numbers, ())}
        seeds.append(seed_result(seed, numbers, status=SCORED, counts=counts, **ends))
    undefended = organism_result(organism, *before.values(), shams=shams)
    return Pair(undefended, cell_result(f"{organism}--mine", *seeds, shams=shams))


def pairs() -> list[Pair]:
    return [pair_of(organism) for organism in LEFT]


def publish(folder: Path, secret: bytes = SECRET) -> Path:
    """Write the files of a closed round."""
    evidence = {}
    for pair in pairs():
        for name, record in (("undefended", pair.before), ("mine", pair.after)):
            path = f"{name}/{pair.before.organism}.json"
            write_json(record, folder / "counts" / path)
            evidence[path] = keyed_hash(secret, (folder / "counts" / path).read_bytes())
    row = unsigned_row("toy", Submission("mine", "f" * 64, {}), pairs(), evidence)
    write_json(signed(row, secret), folder / "rows/mine.json")
    write_json(Opening("toy", commitment(secret), "c" * 40, {}), folder / "opening.json")
    models = [(organism, "poisoned", seed) for organism in LEFT for seed in SEEDS]
    models += [(organism, "sham", SEEDS[0]) for organism in LEFT]
    dealt = deal(secret, models)
    write_json(Closing("toy", secret.hex(), dealt, ["mine"]), folder / "closing.json")
    write_json(dict.fromkeys(dealt, "h"), folder / "models.json")
    return folder
