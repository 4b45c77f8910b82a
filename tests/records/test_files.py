from dataclasses import dataclass

import pytest

from stages.records.files import load_rows, save_rows, write_json


@dataclass(frozen=True)
class Row:
    name: str
    value: float | None


@dataclass(frozen=True)
class Other:
    name: str


ROWS = [Row("a", 1.5), Row("b", None)]


def test_rows_survive_and_equal_rows_give_equal_bytes(tmp_path):
    save_rows(Row, ROWS, tmp_path / "x.parquet")
    save_rows(Row, ROWS, tmp_path / "y.parquet")
    assert load_rows(Row, tmp_path / "x.parquet") == ROWS
    assert (tmp_path / "x.parquet").read_bytes() == (tmp_path / "y.parquet").read_bytes()


def test_no_rows_survive_too(tmp_path):
    save_rows(Row, [], tmp_path / "x.parquet")
    assert load_rows(Row, tmp_path / "x.parquet") == []


@pytest.mark.parametrize("content", [b"", b"PAR1 truncated"])
def test_a_damaged_file_is_a_clear_error(tmp_path, content):
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(ValueError, match="not a readable Parquet file.*run `dvc repro`"):
        load_rows(Row, tmp_path / "x.parquet")


def test_a_truncated_file_is_a_clear_error(tmp_path):
    save_rows(Row, ROWS * 1000, tmp_path / "x.parquet")
    data = (tmp_path / "x.parquet").read_bytes()
    (tmp_path / "x.parquet").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match="not a readable Parquet file"):
        load_rows(Row, tmp_path / "x.parquet")


def test_other_columns_are_named(tmp_path):
    save_rows(Row, ROWS, tmp_path / "x.parquet")
    with pytest.raises(ValueError, match=r"has columns \['name', 'value'\], expected \['name'\]"):
        load_rows(Other, tmp_path / "x.parquet")


def test_json_is_sorted_and_keeps_brackets_in_strings(tmp_path):
    write_json({"b": [1, 2, 3], "a": "shape [2 3]"}, tmp_path / "x.json")
    assert (tmp_path / "x.json").read_text() == '{\n "a": "shape [2 3]",\n "b": [1, 2, 3]\n}\n'
