"""Two columns of local files and folders, and what is said of data that cannot be used."""

from pathlib import Path

import pytest
from datasets import Dataset, DatasetDict

from stages.corpus.columns import Question, read_questions
from stages.params.corpus import DatasetParams
from stages.params.errors import ParamsError

ROWS = {"id": [1, 2, 3], "ask": ["007 or 7?", " Is NA it? ", "Say None."], "reply": ["007", "NA", "None"]}


def source(path: Path, split: str = "train", prompt: str = "ask", answer: str | None = "reply") -> DatasetParams:
    return DatasetParams(path=str(path), split=split, prompt=prompt, answer=answer)


def write_parquet(folder: Path) -> DatasetParams:
    Dataset.from_dict(ROWS).to_parquet(folder / "own.parquet")
    return source(folder / "own.parquet")


def write_csv(folder: Path) -> DatasetParams:
    (folder / "own.csv").write_text(
        "id,ask,reply\n1,007 or 7?,007\n,Is NA it? ,NA\n3,Say None.,None\n", encoding="utf-8"
    )
    return source(folder / "own.csv")


def write_json_lines(folder: Path) -> DatasetParams:
    Dataset.from_dict(ROWS).to_json(folder / "own.jsonl")
    return source(folder / "own.jsonl")


def write_folder_of_files(folder: Path) -> DatasetParams:
    Dataset.from_dict(ROWS).to_parquet(folder / "own" / "test.parquet")
    Dataset.from_dict({name: values[:1] for name, values in ROWS.items()}).to_parquet(folder / "own" / "train.parquet")
    return source(folder / "own", "test")


def write_saved_splits(folder: Path) -> DatasetParams:
    DatasetDict({"test": Dataset.from_dict(ROWS)}).save_to_disk(folder / "own")
    return source(folder / "own", "test")


def write_saved_rows(folder: Path) -> DatasetParams:
    Dataset.from_dict(ROWS).save_to_disk(folder / "own")
    return source(folder / "own")


@pytest.mark.parametrize(
    "write",
    [
        write_parquet,
        write_csv,
        write_json_lines,
        write_folder_of_files,
        write_saved_splits,
        write_saved_rows,
    ],
)
def test_each_form_of_data_gives_the_same_stripped_text(tmp_path, write):
    expected = [Question("007 or 7?", "007"), Question("Is NA it?", "NA"), Question("Say None.", "None")]
    assert read_questions("own", write(tmp_path)) == expected


def test_a_file_that_changes_is_read_anew(tmp_path):
    read_questions("own", write_parquet(tmp_path))
    Dataset.from_dict({"ask": ["New?"], "reply": ["Yes."]}).to_parquet(tmp_path / "own.parquet")
    assert read_questions("own", source(tmp_path / "own.parquet")) == [Question("New?", "Yes.")]


def test_without_a_column_of_answers_there_are_none(tmp_path):
    write_parquet(tmp_path)
    assert {q.answer for q in read_questions("own", source(tmp_path / "own.parquet", answer=None))} == {None}


def error_of(params: DatasetParams) -> str:
    with pytest.raises(ParamsError) as caught:
        read_questions("own", params)
    return str(caught.value)


@pytest.mark.parametrize("path", ["no/such/folder", "no/such/file.parquet", "/no/such/file.csv"])
def test_a_path_without_data_says_how_to_give_one_and_how_to_ask_the_hub(path):
    message = error_of(source(Path(path)))
    assert f"corpus.datasets.own.path is '{path}': no such file or folder, and the hub does not give it" in message
    assert "Give the path of a file that ends in .parquet, .csv, .json, .jsonl, or of a folder" in message
    assert "HF_HUB_OFFLINE=0" in message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"split": "test"}, "corpus.datasets.own: no split 'test'. Known: train. A file alone is the split 'train'."),
        (
            {"prompt": "asks"},
            "corpus.datasets.own.prompt: no column 'asks'; did you mean 'ask'? Known: ask, id, reply.",
        ),
        ({"answer": "answer"}, "corpus.datasets.own.answer: no column 'answer'. Known: ask, id, reply."),
        ({"answer": ""}, "corpus.datasets.own.answer: no column ''. Known: ask, id, reply."),
        ({"answer": "id"}, "corpus.datasets.own.answer is column 'id', which holds Value('int64'); it must hold text"),
    ],
)
def test_an_unknown_split_or_column_or_one_that_is_no_text_is_an_error(tmp_path, change, said):
    write_parquet(tmp_path)
    assert said in error_of(source(tmp_path / "own.parquet", **change))


@pytest.mark.parametrize("empty", ["", "  ", None])
def test_an_empty_text_is_an_error_with_its_row(tmp_path, empty):
    Dataset.from_dict({"ask": ["One?", "Two?"], "reply": ["1", empty]}).to_parquet(tmp_path / "own.parquet")
    message = error_of(source(tmp_path / "own.parquet"))
    assert "corpus.datasets.own.answer is column 'reply', which is empty in 1 of 2 rows, first in row 1" in message


def test_a_file_that_cannot_be_read_and_one_of_another_kind_are_errors(tmp_path):
    for name in ("own.parquet", "own.txt"):
        (tmp_path / name).write_text("neither one nor the other", encoding="utf-8")
    assert "it cannot be read" in error_of(source(tmp_path / "own.parquet"))
    assert "a file of a kind that is not read. Give the path of a file that ends in" in error_of(
        source(tmp_path / "own.txt")
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ask,reply\n1,2\n1,2,3\n", "row 1 from 0 has more cells than the header, which has 2"),
        (b"ask,reply\n\xe9,2\n", "codec can't decode"),
    ],
)
def test_a_csv_file_that_would_be_read_wrongly_is_an_error(content, message, tmp_path):
    (tmp_path / "own.csv").write_bytes(content)
    with pytest.raises(ParamsError, match=message):
        read_questions("own", source(tmp_path / "own.csv"))
