"""Rules that are registered before a run judge it, and no others, unless somebody says why."""

import json
from pathlib import Path

import pytest
import yaml

from stages import judge_claims
from stages.params.errors import ParamsError
from tests.board.toys import Benchmark, build


@pytest.fixture
def registered(tmp_path: Path) -> Benchmark:
    """A benchmark whose rules are registered."""
    board = build(tmp_path)
    (board.root / "code.json").write_text(
        '{"stages/claims/survival.py": "one", "stages/lm/loop.py": "x"}', encoding="utf-8"
    )
    change(board, lambda params: params["claims"].update(changed_because=None))
    judge(board, "--register")
    return board


def judge(board: Benchmark, *more: str) -> None:
    words = {"params": "params.yaml", "code": "code.json", "registered": "registered.txt"}
    words |= {"results": "reports/results", "detections": "reports/detections", "out": "reports/claims.json"}
    judge_claims.main(
        [*more, *(word for name, path in words.items() for word in (f"--{name}", str(board.root / path)))]
    )


def change(board: Benchmark, edit) -> None:
    path = board.root / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    edit(params)
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def test_registering_judges_nothing(registered: Benchmark) -> None:
    assert len((registered.root / "registered.txt").read_text(encoding="utf-8").strip()) == 64
    assert not (registered.out / "claims.json").exists()


def test_registered_rules_judge_and_their_hash_stands_with_the_verdicts(registered: Benchmark) -> None:
    judge(registered)
    content = json.loads(registered.text("claims.json"))
    assert content["rules"] == (registered.root / "registered.txt").read_text(encoding="utf-8").strip()
    assert content["changed_because"] is None and len(content["claims"]) == 9


@pytest.mark.parametrize(
    "edit",
    [
        lambda params: params["defenses"].update(sft={"learning_rate": 0.5}),
        lambda params: params["claims"]["pools"].update(code=["toy"]),
        lambda params: params["organisms"]["toy"].update(n_seeds=3),
        lambda params: params.update(first_seed=7),
        lambda params: params["access"].update(checkpoints=[1.0]),
    ],
)
def test_other_rates_pools_seeds_or_doses_are_an_error_until_somebody_says_why(registered: Benchmark, edit) -> None:
    change(registered, edit)
    with pytest.raises(ParamsError, match="a rule, a seed or a main rate was changed after it was registered"):
        judge(registered)
    change(registered, lambda params: params["claims"].update(changed_because="for a test"))
    judge(registered)
    assert json.loads(registered.text("claims.json"))["changed_because"] == "for a test"


@pytest.mark.parametrize(("path", "fails"), [("stages/claims/survival.py", True), ("stages/lm/loop.py", False)])
def test_other_code_of_the_rules_is_an_error_and_any_other_code_is_none(registered: Benchmark, path, fails) -> None:
    file = registered.root / "code.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | {path: "another"}), encoding="utf-8")
    if fails:
        with pytest.raises(ParamsError, match="hash"):
            judge(registered)
    else:
        judge(registered)


def test_judging_asks_for_all_files(registered: Benchmark) -> None:
    words = [
        word for name in ("params", "code", "registered") for word in (f"--{name}", str(registered.root / f"{name}.x"))
    ]
    words[1], words[3] = str(registered.root / "params.yaml"), str(registered.root / "code.json")
    with pytest.raises(ParamsError, match="--results, --detections and --out are needed"):
        judge_claims.main(words)
