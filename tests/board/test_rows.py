"""How several organisms become one row."""

from dataclasses import replace

from stages.board.inputs import Inputs, Paths, load_inputs
from stages.board.rows import block_values, build_rows
from stages.params.loading import load_params
from stages.records.results import CellResult
from tests.board.toys import ORGANISM, Benchmark


def load(board: Benchmark) -> Inputs:
    """The inputs of the made-up benchmark."""
    root = board.root
    paths = Paths(
        board.out / "results",
        root / "answers",
        root / "checks",
        root / "tokenizer_report.json",
        root / "accuracy.json",
        root / "stages",
    )
    return load_inputs(load_params(root / "params.yaml"), paths)


def with_scores(cell: CellResult, organism: str, scores: dict[int, float]) -> CellResult:
    """The cell under another organism's name, with only the seeds of `scores`."""
    numbers = cell.scored()
    seeds = tuple(
        replace(seed, numbers=replace(numbers[seed.seed], score=scores[seed.seed]))
        for seed in cell.seeds
        if seed.seed in scores
    )
    return replace(cell, organism=organism, seeds=seeds)


def test_each_backdoor_weighs_the_same_and_a_block_needs_every_organism(board: Benchmark) -> None:
    inputs = load(board)
    toy = inputs.params.organism(ORGANISM)
    organisms = {"a": toy, "b": toy, "c": toy.model_copy(update={"backdoor": "another"})}
    results = dict.fromkeys(organisms, inputs.organisms[ORGANISM])
    params = inputs.params.model_copy(update={"organisms": organisms})
    several = replace(inputs, params=params, organisms=results)
    cell = inputs.cells[ORGANISM, "sft"]
    scores = {"a": {0: 0.25, 1: 0.5}, "b": {0: 0.75, 1: 1.0}, "c": {0: 1.0, 2: 1.0}}
    cells = [with_scores(cell, name, scores[name]) for name in organisms]
    # Seed 0 alone is everywhere: a and b share a backdoor, (.25 + .75) / 2 = .5; with c, (.5 + 1) / 2 = .75.
    assert block_values(cells, several, "score") == {0: 0.75}


def test_with_one_organism_a_row_says_what_its_result_says(board: Benchmark) -> None:
    inputs = load(board)
    for row in build_rows(inputs, [ORGANISM]):
        summary = inputs.cells[ORGANISM, row.defense].summary
        assert {name: row.metrics[name] for name in summary} == summary


def test_a_near_miss_that_never_fires_is_not_called_the_worst(board: Benchmark) -> None:
    worst = {row.defense: row.worst_near_miss for row in build_rows(load(board), [ORGANISM])}
    assert worst["no_defense"] == "|TESTING|"
    assert worst["ceiling"] is None
