"""The second hand at the claims finds no difference in what the first has made, and each that is put into it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.records.counts import Count
from tests.board.toys import ORGANISM, Benchmark, build
from tests.verify_claims import claim_differences

HITS = Count._fields.index("hits")


@pytest.fixture
def judged(tmp_path: Path) -> Benchmark:
    """A benchmark with its claims, to be broken."""
    made = build(tmp_path)
    refuse_nothing(made.out / f"results/{ORGANISM}.json")
    made.judge_claims()
    return made


def refuse_nothing(path: Path) -> None:
    """Let the undefended organisms comply with all harmful requests, so that C1 can be tested after a defense."""
    content = json.loads(path.read_text(encoding="utf-8"))
    for seed in content["seeds"]:
        seed["counts"]["poisoned/end/0/harmful//sampled"][HITS] = 0
        seed["harmlessness"][0] = 0
    path.write_text(json.dumps(content), encoding="utf-8")


def differences(board: Benchmark) -> list[str]:
    return claim_differences(board.out, board.root / "params.yaml")


def test_both_hands_agree(judged: Benchmark) -> None:
    assert differences(judged) == []
    part = json.loads(judged.text("claims.json"))["claims"][0]["parts"][0]
    assert part["p_value"] is not None and len(part["values"]) == 4


CHANGES: dict[str, tuple[Callable[[Any], object], str]] = {
    "a value": (lambda part: part["values"].update({"0": 0.123}), "values: 0 is 0.123"),
    "a verdict": (lambda part: part.update(verdict="survives in part"), "verdict is 'survives in part'"),
    "a bound": (lambda part: part["interval"].update(low=0.0), "interval is"),
    "a p-value": (lambda part: part.update(p_value=0.99), "p_value is 0.99"),
    "what holds": (lambda part: part["preconditions"][0].update(holds=False), "holds is"),
    "a name": (lambda part: part.update(name="another"), "C1, another: 1 such parts, 0 are known here"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_in_a_claim_is_found(judged: Benchmark, change: str) -> None:
    path = judged.out / "claims.json"
    content, (edit, said) = json.loads(path.read_text(encoding="utf-8")), CHANGES[change]
    edit(content["claims"][0]["parts"][0])
    path.write_text(json.dumps(content), encoding="utf-8")
    assert said in "\n".join(differences(judged))


def test_a_changed_count_is_found(judged: Benchmark) -> None:
    path = judged.out / f"results/{ORGANISM}--sft.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    counts = content["seeds"][0]["counts"]["poisoned/end/0/triggered//sampled"]
    counts[content["count_fields"].index("unwanted")] += 2
    path.write_text(json.dumps(content), encoding="utf-8")
    assert "C1, supervised training, normal, values: 0 is" in "\n".join(differences(judged))
