from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import pytest

from stages.records.files import load_rows, read_record, save_rows, write_json


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
    assert (tmp_path / "x.json").read_text(encoding="utf-8") == '{\n "a": "shape [2 3]",\n "b": [1, 2, 3]\n}\n'


class Pair(NamedTuple):
    first: int
    second: int


@dataclass(frozen=True)
class Inner:
    mean: float | None


@dataclass(frozen=True)
class Outer:
    names: tuple[str, ...]
    by_dose: dict[int, float]
    pairs: dict[str, Pair]
    inner: Inner | None
    rows: Sequence[Mapping[str, bool | int | float | str]]


OUTER = Outer(("a",), {5: 1.0, 10: 0.5}, {"x": Pair(1, 2)}, Inner(None), [{"a": True, "b": 1, "c": 1.0, "d": "e"}])


def test_a_record_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "x.json"
    for record in (replace(OUTER, inner=None, names=(), rows=[]), OUTER):
        write_json(record, path)
        assert read_record(Outer, path) == record
    found = read_record(Outer, path)
    assert type(found.pairs["x"]) is Pair
    assert [type(value) for value in found.rows[0].values()] == [bool, int, float, str]
    assert '"by_dose": {\n  "5": 1.0,\n  "10": 0.5\n }' in path.read_text(encoding="utf-8")  # sorted as numbers


def test_records_in_a_mapping_are_read_by_its_type(tmp_path):
    write_json({"a": Inner(0.5), "b": Inner(None)}, tmp_path / "x.json")
    assert read_record(dict[str, Inner], tmp_path / "x.json") == {"a": Inner(0.5), "b": Inner(None)}


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_a_damaged_record_is_a_clear_error(tmp_path, content):
    (tmp_path / "x.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"x\.json is not readable \(.+\); delete it and run `dvc repro`"):
        read_record(Inner, tmp_path / "x.json")


def test_a_missing_record_is_a_clear_error(tmp_path):
    with pytest.raises(ValueError, match=r"x\.json is not readable \(.*No such file.*\); delete it and run"):
        read_record(Inner, tmp_path / "x.json")


@pytest.mark.parametrize("mean", ["0.5", float("nan")])
def test_what_is_not_of_its_type_is_not_written(tmp_path, mean):
    with pytest.raises(ValueError, match=r"Expected `(float|null)`|Out of range float"):
        write_json(Inner(mean), tmp_path / "x.json")
