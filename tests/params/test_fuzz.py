"""Whatever stands in params.yaml, reading it ends in parameters or in one of our two errors."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from stages.params.errors import ParamsError, SubmissionError
from stages.params.loading import load_params
from stages.params.reading import read_tree
from stages.records.fingerprints import fingerprints
from stages.threat_model.signature import check_settings
from tests.fuzzing import SHORT
from tests.params.mistakes import changed_texts, changed_trees

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def codes() -> dict:
    return fingerprints(ROOT / "stages")


def read(path: Path, written: str | bytes, codes: dict) -> None:
    """What the stage `fingerprint` does with a file, but for trying backdoors."""
    path.write_bytes(written if isinstance(written, bytes) else written.encode())
    try:
        params = load_params(path)
        params.require_plugins(codes)
        check_settings(params, ROOT / "stages/defenses")
    except (ParamsError, SubmissionError) as error:
        assert str(error)
        return
    (path.parent / "params.json").write_text(json.dumps(read_tree(path), allow_nan=False), encoding="utf-8")
    assert load_params(path.parent / "params.json") == params


@SHORT
@given(changed_trees(YAML(typ="safe").load(TEXT)))
def test_fuzz_a_changed_value_or_key_is_read_or_refused(tmp_path_factory, codes, text):
    read(tmp_path_factory.getbasetemp() / "params.yaml", text, codes)


@SHORT
@given(changed_texts(TEXT) | changed_texts("a: {b: 1}\n") | st.binary(max_size=40))
def test_fuzz_any_text_is_read_or_refused(tmp_path_factory, codes, text):
    read(tmp_path_factory.getbasetemp() / "params.yaml", text, codes)
