"""Which arms are one training at another strength."""

from types import SimpleNamespace
from typing import Any, cast

from stages.board.site import Site
from stages.board.strength import budgets_of, by_rate, with_larger_budget
from stages.params.arms import ArmParams

USUAL = {"learning_rate": 1e-3, "kl": 0.1}


def arm(organism: str = "toy", budget: float | None = None, **settings: float) -> ArmParams:
    given = {"organism": organism, "defense": "rl", "settings": {**USUAL, **settings}, "sham": "x"}
    return ArmParams.model_validate(given | {"budget_share": budget})


def site_of(**arms: ArmParams) -> Site:
    """A site with these arms; a row is told by its name."""
    rows = {name: SimpleNamespace(name=name, defense="rl", organisms=(each.organism,)) for name, each in arms.items()}
    board = SimpleNamespace(arms=rows, by_organism={"toy": [SimpleNamespace(name="board", defense="rl")]})
    access = SimpleNamespace(budget_share=0.034)
    board.by_organism["second"] = board.by_organism["toy"]
    params = SimpleNamespace(arms=arms, defenses={"rl": USUAL}, board=["toy", "second"], access=access)
    return cast("Site", SimpleNamespace(board=board, inputs=SimpleNamespace(params=params)))


def names(rows: dict[float, Any]) -> dict[float, str]:
    return {rate: row.name for rate, row in rows.items()}


def test_rates_rise_with_that_of_the_board_among_them() -> None:
    site = site_of(strong=arm(learning_rate=2e-3), weak=arm(learning_rate=5e-4))
    assert names(by_rate(site, "rl")) == {5e-4: "weak", 1e-3: "board", 2e-3: "strong"}


def test_an_arm_that_differs_in_more_is_no_strength() -> None:
    others = {
        "with_kl": arm(learning_rate=2e-3, kl=0.2),
        "elsewhere": arm("beside", learning_rate=2e-3),
        "long": arm(budget=0.1, learning_rate=2e-3),
    }
    assert by_rate(site_of(**others), "rl") == {}
    assert with_larger_budget(site_of(**others), "rl") is None


def test_two_organisms_do_not_stand_on_one_line():
    site = site_of(other=arm("second", learning_rate=4e-3), strong=arm(learning_rate=2e-3))
    assert names(by_rate(site, "rl")) == {1e-3: "board", 2e-3: "strong"}


def test_only_a_larger_budget_is_longer() -> None:
    assert cast("Any", with_larger_budget(site_of(short=arm(budget=0.01), long=arm(budget=0.1)), "rl")).name == "long"
    assert with_larger_budget(site_of(short=arm(budget=0.01)), "rl") is None


def test_budgets_begin_with_that_of_the_board() -> None:
    site = site_of(same=arm(), long=arm(budget=0.1))
    assert budgets_of(site.inputs.params) == [0.034, 0.1]
