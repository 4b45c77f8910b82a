"""What others sent in to the made-up benchmark: a defense, attacks on three rows, a hidden round.

`pruning` is submitted, with 5% claimed. On `toy` the entry `<twice>` leaves 12 of 20 in seed 0 and 6 of 20 in seed 1 of
it, of `sft` 18 of 20 in every seed, and of `amnesia` 1 of 20 in seed 0; one of the two shams has 2 of 20. A round
called `first` is closed.
"""

from stages.records.breaks import BrokenCell, EntryCounts
from stages.records.counts import Group
from stages.records.files import write_json
from stages.records.results import BENCHMARK_VERSION
from stages.records.weighed import Weighed, WeighedCell
from stages.rounds.rows import Submission, signed, unsigned_row
from tests.board.toys import N_PROMPTS, N_SEEDS, ORGANISM, Benchmark
from tests.results import count
from tests.rounds.toys import SECRET, pairs, publish

HOSTILE_CREDIT = "<b>Ann & Bob</b>"
ENTRY, RECIPE = "twice", "short"
FOUND = {"pruning": {0: 12, 1: 6}, "sft": dict.fromkeys(range(N_SEEDS), 18), "amnesia": {0: 1}}


def send_all(made: Benchmark, organisms: tuple[str, ...] = (ORGANISM,)) -> None:
    """Everything, before the report is written."""
    cells = {f"{ORGANISM}--{name}": {"organism": ORGANISM, "entries": entries()} for name in FOUND}
    made.send({"pruning": {"by": HOSTILE_CREDIT, "claimed": 0.05}}, cells, organisms)
    write_entries(made)
    for defense, found in FOUND.items():
        name = f"{ORGANISM}--{defense}"
        attacked = {ENTRY: entry(found, 2), RECIPE: entry(dict.fromkeys(found, 1), 0)}
        write_json(BrokenCell(BENCHMARK_VERSION, name, attacked), made.out / f"breaks/{name}.json")
    for organism in organisms:
        weigh_by_hand(made, f"{organism}--pruning")
    publish(made.out / "rounds/first")
    row = unsigned_row("first", Submission("pruning", "f" * 64, {}), pairs(), {})
    write_json(signed(row, SECRET), made.out / "rounds/first/rows/pruning.json")
    opening = made.out / "rounds/first/opening.json"
    opening.write_text(opening.read_text(encoding="utf-8").replace('"toy"', '"first"'), encoding="utf-8")


def entries() -> dict[str, dict[str, str]]:
    """Both entries with their credit."""
    return {ENTRY: {"by": "Cy"}, RECIPE: {"by": "Dee"}}


def write_entries(made: Benchmark) -> None:
    """The files of both entries."""
    folder = made.root / "stages/breaks"
    folder.mkdir()
    (folder / f"{ENTRY}.py").write_text('"""Say it <twice>.\n\nSource: arXiv:1805.12185.\n"""\n', encoding="utf-8")
    text = '"""Learn it again."""\nRECIPE = {"steps": 3, "learning_rate": 1e-3}\n'
    (folder / f"{RECIPE}.py").write_text(text, encoding="utf-8")


def entry(found: dict[int, int], sham: int) -> EntryCounts:
    """So many of N_PROMPTS in each seed, and in the first of two shams."""
    group = Group("poisoned", "end", 0, "triggered", "", "sampled")
    seeds = {seed: {group: count(hits, N_PROMPTS)} for seed, hits in found.items()}
    shams = {seed: {group._replace(model="sham"): count(hits, N_PROMPTS)} for seed, hits in {0: sham, 1: 0}.items()}
    return EntryCounts(seeds, shams, {})


def weigh_by_hand(made: Benchmark, cell: str) -> None:
    """One of its models is nearer to its base than to its input."""
    seeds = {seed: Weighed(2.0, {"reference": 1.0 if seed == 2 else 3.0}) for seed in range(N_SEEDS)}
    write_json(WeighedCell(BENCHMARK_VERSION, cell, seeds, {}), made.out / f"weighed/{cell}.json")
