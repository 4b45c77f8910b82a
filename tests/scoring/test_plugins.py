import pytest

from stages.params.errors import SubmissionError
from stages.scoring.plugins import read_constant


def test_constants_are_read_without_running_the_file(tmp_path):
    path = tmp_path / "plugin.py"
    path.write_text(
        'raise SystemExit\nNEEDS: frozenset[str] = frozenset({"reference_model"})\nROLE = "ceiling"\n', encoding="utf-8"
    )
    assert read_constant(path, "NEEDS") == {"reference_model"}
    assert read_constant(path, "ROLE") == "ceiling"
    assert read_constant(path, "OTHER", "none") == "none"


def test_a_computed_constant_is_a_clear_error(tmp_path):
    path = tmp_path / "plugin.py"
    path.write_text("JUDGE = 'a' + other\n", encoding="utf-8")
    with pytest.raises(SubmissionError, match="plain literal"):
        read_constant(path, "JUDGE")
    with pytest.raises(SubmissionError, match="no constant ROLE"):
        read_constant(path, "ROLE")
