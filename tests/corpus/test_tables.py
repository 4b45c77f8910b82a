"""Files as users write them: what is read of them, and what is said of those that are damaged."""

import bz2
import gzip
import json
import lzma
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from stages.corpus.tables import naming, open_table
from stages.params.errors import ParamsError


def read(file: Path, content: bytes | str, *columns: str) -> list[tuple[str | None, ...]]:
    """The cells of the columns, of a file with this content."""
    file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    with naming("corpus.datasets.own", file):
        rows = open_table(file).rows(columns)
    return [tuple(row.cells[column] for column in columns) for row in rows]


def error_of(file: Path, content: bytes | str, *columns: str) -> str:
    with pytest.raises(ParamsError) as caught:
        read(file, content, *columns)
    message = str(caught.value)
    assert message.startswith(f"corpus.datasets.own: {file} cannot be read: ")
    return message


TEXTS = ["007", "NA", "None", "1e5", "true", "2020-01-01", "null", "nan", "2020-01-01T00:00:00", "-0", "½", "a\u2028b"]


def test_what_is_text_in_the_file_stays_text(tmp_path):
    expected = [(text,) for text in TEXTS]
    frame = pd.DataFrame({"ask": TEXTS})
    assert read(tmp_path / "own.csv", frame.to_csv(index=False), "ask") == expected
    assert read(tmp_path / "own.tsv", frame.to_csv(index=False, sep="\t"), "ask") == expected
    lines = "\n".join(json.dumps({"ask": text}, ensure_ascii=False) for text in TEXTS)
    assert read(tmp_path / "own.jsonl", lines, "ask") == expected
    assert read(tmp_path / "own.json", frame.to_json(orient="records", indent=1), "ask") == expected
    frame.astype("category").to_parquet(tmp_path / "own.parquet")
    assert read(tmp_path / "own.parquet", (tmp_path / "own.parquet").read_bytes(), "ask") == expected


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
def test_a_file_may_be_compressed(tmp_path, ending, pack):
    assert read(tmp_path / f"own.csv.{ending}", pack(b"ask\nOne?\n"), "ask") == [("One?",)]
    assert "own.jsonl" in error_of(tmp_path / f"own.jsonl.{ending}", b"not packed", "ask")
    error_of(tmp_path / f"own.jsonl.{ending}", pack(b'{"ask": "One?"}\n' * 99)[:-9], "ask")


@pytest.mark.parametrize(
    ("ending", "pack", "padding"),
    [("gz", gzip.compress, b"\0\0"), ("bz2", bz2.compress, b""), ("xz", lzma.compress, b"\0" * 4)],
)
def test_of_several_compressed_streams_all_are_read_and_none_may_be_damaged(tmp_path, ending, pack, padding):
    file = tmp_path / f"own.csv.{ending}"
    first, second = pack(b"ask\nOne?\n"), pack(b"Two?\n" + bytes(range(48, 123)) * 9)
    assert read(file, first + padding + pack(b"Two?\n") + padding, "ask") == [("One?",), ("Two?",)]
    damaged = bytearray(second)
    damaged[len(second) // 2] ^= 0xFF
    for rest in (bytes(damaged), second[:-9], second[:3], b"trailing garbage", b"x"):
        error_of(file, first + rest, "ask")
    error_of(file, first[:-5], "ask")


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
def test_a_parquet_file_may_be_compressed_too(tmp_path, ending, pack):
    parquet.write_table(pa.table({"ask": ["One?"]}), tmp_path / "own.parquet")
    packed = pack((tmp_path / "own.parquet").read_bytes())
    assert read(tmp_path / f"own.parquet.{ending}", packed, "ask") == [("One?",)]
    error_of(tmp_path / f"own.parquet.{ending}", packed[:-9], "ask")


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    assert read(tmp_path / "own.csv", b"\xef\xbb\xbfask\nOne?\n", "ask") == [("One?",)]
    assert read(tmp_path / "own.jsonl", b'\xef\xbb\xbf{"ask": "One?"}', "ask") == [("One?",)]


@pytest.mark.parametrize("name", ["own.csv", "own.jsonl", "own.tsv", "own.json"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"ask\nabc\xe9,2\n",
            "line 2: the byte 0xE9 after 'abc' is no UTF-8. Only UTF-8 is read: save it so, or run iconv",
        ),
        (b"\xef\xbb\xbfask\n\xe9", "line 2: the byte 0xE9 after '' is no UTF-8"),
        (
            "ask\nOne?".encode("utf-16"),
            "it is in UTF-16. Only UTF-8 is read: save it so, or run iconv -f UTF-16 -t UTF-8",
        ),
        (
            "ask\nOne?".encode("utf-16-be"),
            "line 1 holds a byte of 0, as no text does; it may be in UTF-16. Only UTF-8 is read: save it so",
        ),
        ("ask\nOne?".encode("utf-32"), "it is in UTF-32"),
    ],
)
def test_another_encoding_is_an_error_with_its_place_and_how_to_convert_it(tmp_path, name, content, said):
    assert said in error_of(tmp_path / name, content, "ask")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (",ask,reply\n0,One?,1\n", ("One?", "1")),  # pandas, with its index
        ("ask,reply,reply\nOne?,1,2\n", ("One?", "1")),  # a column twice: patterns refuse it by name
        ('ask,reply\r\n"One, ""two""\r\nthree?",1\r\n', ('One, "two"\r\nthree?', "1")),
        ("ask,reply\rOne?,1\r", ("One?", "1")),
        ("\nask,reply\n\nOne?,1\n\n\n", ("One?", "1")),
        ("ask,reply\nOne?,", ("One?", "")),
        (f"ask,reply,context\nOne?,1,{'x' * 200_000}\n", ("One?", "1")),
    ],
)
def test_a_csv_file_is_read_cell_by_cell(tmp_path, content, expected):
    assert read(tmp_path / "own.csv", content, "ask", "reply") == [expected]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "it is empty; its first line must be a header"),
        ("\n\n", "it is empty"),
        ("ask,reply\n1,2\n1,2,3\n", "row 2 (line 3) has 3 cells, and the header 2: 'ask,reply'. Put cells with a ','"),
        ("ask,reply\n1\n", "row 1 (line 2) has 1 cells, and the header 2"),
        ('ask,reply\n"1,2\n3,4\n', "row 1 (line 2): unexpected end of data. A cell with a quote in it"),
        ('ask,reply\n1,2\n"1"2,3\n', "row 2 (line 3): ',' expected after '\"'"),
        (
            "ask;reply\nOne, two?;1\n",
            "The header was read as one column, 'ask;reply', since cells are separated by ','",
        ),
    ],
)
def test_a_csv_file_that_would_be_read_wrongly_is_an_error(tmp_path, content, said):
    assert said in error_of(tmp_path / "own.csv", content, "ask")


@pytest.mark.parametrize(("separator", "ending"), [(";", "csv"), ("\t", "csv"), ("|", "csv"), (",", "tsv")])
def test_other_separators_are_hinted_at_where_a_column_is_not_found(tmp_path, separator, ending):
    (tmp_path / f"own.{ending}").write_text(f"ask{separator}reply\n1{separator}2\n", encoding="utf-8")
    assert f"and not by {separator!r}: a comma in .csv, a tab in .tsv" in open_table(tmp_path / f"own.{ending}").hint


def test_a_header_alone_gives_no_rows(tmp_path):
    assert read(tmp_path / "own.csv", "ask,reply\n", "ask") == []


ROWS = [{"ask": "One?", "x": 1}, {"ask": "Two?", "x": "one"}, {"ask": None, "x": [{"y": {}}]}, {"x": 10**5000}]


@pytest.mark.parametrize("name", ["own.json", "own.jsonl"])
@pytest.mark.parametrize("as_list", [True, False])
def test_json_is_a_list_or_one_object_a_line_and_other_columns_hold_what_they_like(tmp_path, name, as_list):
    rows = [json.dumps(row) for row in ROWS[:3]] + [f'{{"x": {"9" * 5000}}}', '{"x": 1e999, "x": NaN}']
    content = f"[{', '.join(rows)}]" if as_list else "\n".join([*rows[:2], "", "  \r", *rows[2:]])
    assert read(tmp_path / name, content, "ask") == [("One?",), ("Two?",), (None,), (None,), (None,)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "it holds no rows. Give a list of objects, or one object a line"),
        ("[]", "it holds no rows"),
        ('{"ask": "One?"}\n\n{"ask": 52}', "row 2 (line 3): column 'ask' holds the number 52; it must hold text"),
        ('[{"ask": true}]', "row 1 (counted from 1): column 'ask' holds true"),
        ('{"ask": ["a"], "x": 1}\n{}', "row 1 (line 1): column 'ask' holds a list of 1"),
        ('{"ask": {"text": 1}}\n{}', "column 'ask' holds an object with the keys 'text'"),
        ('{"ask": "a", "ask": "b"}', "column 'ask' holds two values, since its key stands twice in one object"),
        ('{"ask": "One?"}\n{"ask": "Two', "row 2 (line 2), character 9: Unterminated string"),
        ('[{"ask": "One?"},\n{"ask" "Two"}]', "line 2, character 8: Expecting ':' delimiter"),
        ('{"ask": "One?"}\n["Two?"]', "row 2 (line 2) is a list of 1 and no object"),
        ('"One?"', "row 1 (line 1) is the text 'One?' and no object"),
        ('{"ask": "\\ud83d"}', "row 1 (line 1): column 'ask' holds half of a character, '\\ud83d'. Mend it"),
        (
            '{"data": [{"ask": "One?"}], "version": "1.1"}',
            "the whole file is one object, with the keys 'data' (a list of 1)",
        ),
        ('{\n "data": [\n {"ask": "One?"}]\n}', "the whole file is one object, with the keys 'data' (a list of 1)"),
        (pd.DataFrame({"ask": ["One?"]}).to_json(), "'ask' (an object with the keys '0'). Give a list of objects"),
        ('{"ask": "One?"}{"ask": "Two?"}', "row 1 (line 1), character 16: Extra data"),
        (
            '{"ask": "One?"}\n{\n "ask": "Two?"\n}',
            "row 2 (line 2) goes over 3 lines. Give a list of objects, or one object a line",
        ),
        ('\n{\n "ask": "One?"\n}\n{\n "ask": "Two?"\n}', "row 1 (line 2) goes over 3 lines"),
        ("[" * 100_000, "lists or objects in it are nested too deep"),
        ('{"ask": "One?", "x": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deep"),
    ],
)
def test_json_that_is_no_table_of_text_is_an_error(tmp_path, content, said):
    assert said in error_of(tmp_path / "own.json", content, "ask")


def test_of_a_parquet_file_the_named_columns_alone_are_read(tmp_path):
    table = pa.table({"ask": ["One?", None], "x": [[1], [2]], "ask.b": ["no", "no"], "s": [{"ask": 1}, {"ask": 2}]})
    parquet.write_table(table, tmp_path / "own.parquet")
    content = bytearray((tmp_path / "own.parquet").read_bytes())
    column = parquet.ParquetFile(tmp_path / "own.parquet").metadata.row_group(0).column(1)
    content[column.dictionary_page_offset or column.data_page_offset] ^= 0xFF
    assert read(tmp_path / "own.parquet", bytes(content), "ask") == [("One?",), (None,)]
    assert read(tmp_path / "own.parquet", bytes(content), "ask.b") == [("no",), ("no",)]
    error_of(tmp_path / "own.parquet", bytes(content), "x")


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.null()])
def test_any_sort_of_text_in_a_parquet_file_is_text(tmp_path, kind):
    cells = [None, None] if kind == pa.null() else ["One?", None]
    parquet.write_table(pa.table({"ask": pa.array(cells).cast(kind)}), tmp_path / "own.parquet")
    content = (tmp_path / "own.parquet").read_bytes()
    assert read(tmp_path / "own.parquet", content, "ask") == [(cell,) for cell in cells]


def test_a_parquet_column_of_no_text_or_of_broken_text_is_an_error(tmp_path):
    file = tmp_path / "own.parquet"
    broken = pa.array([b"\xff"]).view(pa.string())
    parquet.write_table(pa.table({"n": [1], "when": pd.to_datetime(["2020"]), "broken": broken}), file)
    content = file.read_bytes()
    assert "column 'n' holds int64; it must hold text. Write it into the data as text" in error_of(file, content, "n")
    assert "column 'when' holds timestamp" in error_of(file, content, "when")
    assert "row 1 (counted from 1): column 'broken' holds bytes that are no UTF-8" in error_of(file, content, "broken")
