"""Any file and any folder ends in the rows that a simple reader sees, or in a ParamsError; see tests/fuzzing.py."""

import csv
import gzip
import io
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from stages.corpus.columns import read_questions
from stages.params.corpus import DatasetParams
from stages.params.errors import ParamsError
from tests.fuzzing import SHORT

SLOW = settings(SHORT, max_examples=SHORT.max_examples // 5)

NAMES = st.sampled_from(["ask", "reply", " ask", "a{b", "{ask}", "", "0", "Übung", "x.y", "ask;reply"]) | st.text(
    max_size=4
)
CELLS = st.sampled_from(["007", "NA", "", " ", "2020-01-01", "null", '"', '""', "a,b", "a\nb", "\r", "\u2028", "é"])
TEXT = CELLS | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    TEXT | st.none() | st.booleans() | st.integers() | st.floats(allow_subnormal=False) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
ENDINGS = st.sampled_from(
    [".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".csv.gz", ".jsonl.xz", ".json.bz2"]
)


def rows_of(path: Path, prompt: str = "ask", split: str = "train") -> list[str] | None:
    """What is read, or None where it is refused."""
    try:
        questions = read_questions("own", DatasetParams(path=str(path), split=split, prompt=prompt, answer=None))
    except ParamsError:
        return None
    assert all(question.prompt == question.prompt.strip() for question in questions)
    return [question.prompt for question in questions]


def rows_of_file(name: str, content: bytes, prompt: str = "ask") -> list[str] | None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(content)
        return rows_of(Path(folder) / name, prompt)


@SHORT
@given(ENDINGS, st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_fuzz_no_bytes_raise_another_error(ending, content):
    rows_of_file(f"own{ending}", content)


@SHORT
@given(ENDINGS, st.text(alphabet="ask\"',;{}[]:\\ \t\r\n0\ufeffé", max_size=80))
def test_fuzz_nothing_that_looks_like_a_table_raises_another_error(ending, content):
    rows_of_file(f"own{ending}", content.encode("utf-8"))
    rows_of_file(f"own{ending}", f"ask\n{content}".encode())
    rows_of_file(f"own{ending}", f'{{"ask": "One?"}}\n{content}'.encode())


@SHORT
@given(st.sampled_from(["", ","]), st.text(alphabet='a",\n\r', max_size=40))
def test_fuzz_a_csv_file_has_the_rows_that_python_sees_in_it_or_is_refused(more, content):
    text = f"ask{more}\n{content}"
    found = rows_of_file("own.csv", text.encode("utf-8"))
    if found is not None:
        _, *rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
        assert found == [row[0].strip() for row in rows]


@SHORT
@given(st.lists(st.tuples(TEXT, TEXT), max_size=6), st.sampled_from([("csv", ","), ("tsv", "\t")]))
def test_fuzz_every_row_that_is_written_as_csv_is_read(rows, form):
    ending, separator = form
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=separator).writerows([("ask", "reply"), *rows])
    found = rows_of_file(f"own.{ending}", file.getvalue().encode("utf-8"), "{ask}<{reply}>")
    if found is None:
        assert any("\0" in cell for row in rows for cell in row)
    else:
        assert found == [f"{a}<{b}>".strip() if a.strip() or b.strip() else "" for a, b in rows]


@SHORT
@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=4), max_size=4), st.booleans(), st.booleans())
def test_fuzz_json_gives_every_row_or_is_refused_for_a_value_that_is_no_text(rows, as_list, as_ascii):
    lines = [json.dumps(row, ensure_ascii=as_ascii) for row in rows]
    text = f"[{', '.join(lines)}]" if as_list else "\n".join(lines)
    found = rows_of_file("own.json", text.encode("utf-8", "surrogatepass"))
    named = {name for row in rows for name in row if name.strip() == "ask"}
    cells = [row.get("ask" if "ask" in named else next(iter(named), "")) for row in rows]
    if found is not None:
        assert found == [(cell or "").strip() for cell in cells]
    else:
        is_half = any("\\ud800" in json.dumps(row) for row in rows)
        is_one_object = len(rows) == 1 and not as_list
        assert not named or is_half or is_one_object or not all(isinstance(cell, str | None) for cell in cells)


@SHORT
@given(st.lists(TEXT | st.none(), max_size=6), st.integers(0, 10**4), st.binary(max_size=3))
def test_fuzz_a_parquet_file_is_read_or_where_it_is_damaged_refused(cells, at, damage):
    sink = io.BytesIO()
    parquet.write_table(pa.table({"ask": pa.array(cells, pa.string()), "x": list(range(len(cells)))}), sink)
    content = sink.getvalue()
    assert rows_of_file("own.parquet", content) == [(cell or "").strip() for cell in cells]
    at %= len(content)
    rows_of_file("own.parquet", content[:at] + damage + content[at + len(damage) :])
    rows_of_file("own.parquet", content[:at])


FILE_NAMES = st.builds(
    lambda stem, ending: stem + ending,
    st.sampled_from(
        ["train", "test", "dev", "a", "b[1]", "*", "train/a", "main/train", "x/test", "__x/a", "a b", "{", "~", "a::b"]
    ),
    st.sampled_from([".jsonl", ".csv", ".json", ".tsv", ".parquet", ".txt", ".zst", ".jsonl.gz"]),
)


@SLOW
@given(st.sets(FILE_NAMES, max_size=4), st.sampled_from(["train", "test", "validation"]))
def test_fuzz_a_folder_is_read_whole_or_refused(names, split):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "own[1]"
        root.mkdir()
        for name in names:
            (root / name).parent.mkdir(exist_ok=True)
            is_table = name.endswith((".csv", ".tsv"))
            content = (f"ask\n{name}\n" if is_table else json.dumps({"ask": name})).encode("utf-8")
            (root / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        splits = {one: rows_of(root, split=one) for one in ("train", "validation", "test")}
    read = [row for rows in splits.values() for row in rows or []]
    if read:
        data = (".jsonl", ".csv", ".json", ".tsv", ".gz")
        assert sorted(read) == sorted(name for name in names if name.endswith(data) and name[:2] != "__")


# Half a character (Cs) cannot come here: YAML refuses it (tests/params/test_reading.py).
NO_FOLDER = st.text(st.characters(exclude_characters="/.", exclude_categories=("Cs",)), min_size=1, max_size=10)
PARAMS = st.fixed_dictionaries(
    {"path": st.sampled_from(["own.csv", ".", "no/such", "a\0b", "csv", "~", "x" * 300]) | NO_FOLDER},
    optional={
        "split": TEXT,
        "prompt": NAMES | st.sampled_from(["{ask}\n{reply}", "{ask", "{{ask}}", "{}"]),
        "answer": NAMES | st.none(),
        "configuration": st.none() | TEXT,
    },
)


@SLOW
@given(PARAMS)
@pytest.mark.usefixtures("_own_csv")
def test_fuzz_no_parameters_of_a_data_set_raise_another_error(params):
    source = DatasetParams(**({"split": "train", "prompt": "ask"} | params))
    try:
        read_questions("own", source)
    except ParamsError as error:
        assert str(error).startswith("corpus.datasets.own")


@pytest.fixture
def _own_csv(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.csv").write_text("ask,reply\nOne?,1\n", encoding="utf-8")
