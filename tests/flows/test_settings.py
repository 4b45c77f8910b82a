"""Settings that Prefect cannot read: one line says which, before anything else of a program of ours."""

import pytest

from tests.flows.toys import run_module
from tests.flows.waiting import await_end


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("PREFECT_LOGGING_LEVEL", "banana", "LoggingSettings.level is 'BANANA': Input should be 'DEBUG', 'INFO'"),
        ("PREFECT_SERVER_API_PORT", "abc", "ServerAPISettings.port is 'abc': Input should be a valid integer"),
        ("PREFECT_PROFILES_PATH", "profiles", "Expected '=' after a key in a key/value pair (at line 1, column 4)"),
    ],
)
@pytest.mark.parametrize("words", [["flows.benchmark", "--dry-run"], ["flows.ui"]], ids=["benchmark", "ui"])
def test_a_variable_that_prefect_cannot_read_is_named_with_the_reason(words, variable, value, why, tmp_path):
    (tmp_path / "profiles").write_text("no toml", encoding="utf-8")
    said = refusal(tmp_path, words, **{variable: value})
    assert f"error: Prefect's settings cannot be read: {why}" in said and "Mend or unset it" in said, said


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("prefect.toml", b"no toml"),
        ("prefect.toml", b"server = 3"),
        ("pyproject.toml", b"\xff"),
        (".env", b"PREFECT_SERVER_API_PORT=abc"),
    ],
)
def test_so_is_a_file(name, text, tmp_path):
    (tmp_path / name).write_bytes(text)
    assert "error: Prefect's settings cannot be read: " in refusal(tmp_path, ["flows.benchmark", "--dry-run"])


def refusal(folder, words, **variables) -> str:
    process = run_module(folder, *words, **variables)
    said = await_end(process)
    assert process.returncode == 1 and "Traceback" not in said, said
    return said
