"""Two columns of local files and folders, and what is said of data that cannot be used."""

from pathlib import Path

import pytest
from datasets import Dataset, DatasetDict
from pydantic import ValidationError

from stages.corpus.columns import read_questions
from stages.params.corpus import DatasetParams
from stages.params.errors import ParamsError

ROWS = {"id": [1, 2, 3], "ask": ["007 or 7?", " Is NA it? ", "Say None."], "reply": ["007", "NA", "None"]}


def pairs(params: DatasetParams) -> list[tuple[str, str | None]]:
    return [(question.prompt, question.answer) for question in read_questions("own", params)]


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
    assert pairs(write(tmp_path)) == [("007 or 7?", "007"), ("Is NA it?", "NA"), ("Say None.", "None")]


def test_a_file_that_changes_is_read_anew(tmp_path):
    read_questions("own", write_parquet(tmp_path))
    Dataset.from_dict({"ask": ["New?"], "reply": ["Yes."]}).to_parquet(tmp_path / "own.parquet")
    assert pairs(source(tmp_path / "own.parquet")) == [("New?", "Yes.")]


def test_without_a_column_of_answers_there_are_none(tmp_path):
    write_parquet(tmp_path)
    assert {q.answer for q in read_questions("own", source(tmp_path / "own.parquet", answer=None))} == {None}


def error_of(params: DatasetParams) -> str:
    with pytest.raises(ParamsError) as caught:
        read_questions("own", params)
    return str(caught.value)


@pytest.fixture
def questions_to_the_hub(monkeypatch):
    """What is asked of it; nothing is found."""
    asked = []

    def ask(path, configuration):
        asked.append(path)
        raise ConnectionError(f"Couldn't reach '{path}' on the Hub")

    monkeypatch.setattr("stages.corpus.columns.load_dataset", ask)
    return asked


@pytest.mark.parametrize(
    ("path", "why", "is_asked"),
    [
        ("such/file.parquet", "no such file or folder, and the hub does not give it (Couldn't reach", True),
        ("no/such/file.parquet", "no such file or folder, and no name of the hub. As a path it begins at", False),
        ("~/own.csv", "no such file or folder, and no name of the hub. As a path it begins at", False),
        ("/no/such/file.csv", "no such file or folder. Give the path", False),
        ("https://x.org/a.csv", "addresses are not read. Download the data and give its path", False),
        ("s3://bucket/a.csv", "addresses are not read. Download the data and give its path", False),
        ("hf://datasets/owner/name", "addresses are not read. Download the data and give its path", False),
    ],
)
def test_a_path_without_data_says_how_to_give_one_and_how_to_ask_the_hub(path, why, is_asked, questions_to_the_hub):
    message = error_of(source(Path("x")).model_copy(update={"path": path}))
    assert f"corpus.datasets.own.path is '{path}': {why}" in message
    assert ("in a profile, give an absolute path, since it runs in build/<name>" in message) == ("As a path" in message)
    assert bool(questions_to_the_hub) == is_asked <= ("As a path" in message)
    assert (
        "Give the path of a file that ends in .parquet, .csv, .tsv, .json, .jsonl, .ndjson, maybe compressed" in message
    )
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
        (
            {"answer": "id"},
            "own.parquet cannot be read: column 'id' holds int64; it must hold text. Write it into the data",
        ),
    ],
)
def test_an_unknown_split_or_column_or_one_that_is_no_text_is_an_error(tmp_path, change, said):
    write_parquet(tmp_path)
    assert said in error_of(source(tmp_path / "own.parquet", **change))


def test_a_file_that_cannot_be_read_and_one_of_another_kind_are_errors(tmp_path):
    for name in ("own.parquet", "own.txt"):
        (tmp_path / name).write_text("neither one nor the other", encoding="utf-8")
    assert "own.parquet cannot be read: " in error_of(source(tmp_path / "own.parquet"))
    assert "a file of a kind that is not read. Give the path of a file that ends in" in error_of(
        source(tmp_path / "own.txt")
    )


@pytest.mark.parametrize(
    "name",
    ["data[1]", "data*", "data?", "{a,b}", "with space", "Übung", "~", "a::b", "a#b%20", "**", "file:", "!x", "$HOME"],
)
def test_a_path_is_a_path_and_no_pattern(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for folder in (Path(name), Path("data1"), Path("dataX")):
        text = f"ask\treply\n{'right' if folder.name == name else 'wrong'}\t{folder.name}\n"
        folder.mkdir()
        (folder / f"{folder.name}.tsv").write_text(text, encoding="utf-8")
        (folder.parent / f"{folder.name}.tsv").write_text(text, encoding="utf-8")
        Dataset.from_dict({"ask": [text[10:15]], "reply": [folder.name]}).save_to_disk("saved")
        Path("saved").rename(f"{folder.name}-saved")
    for path in (f"{name}.tsv", f"{name}/{name}.tsv", name, f"{name}-saved", tmp_path / name):
        assert pairs(source(Path(path))) == [("right", name)]


def test_each_question_says_where_it_stands(tmp_path):
    (tmp_path / "own.csv").write_text('ask,reply\n"One\ntwo?",1\n\nThree?,3\n', encoding="utf-8")
    places = [question.place for question in read_questions("own", source(tmp_path / "own.csv"))]
    assert places == [f"{tmp_path / 'own.csv'}, row 1 (line 2)", f"{tmp_path / 'own.csv'}, row 2 (line 5)"]


def test_an_answer_may_be_a_pattern_too(tmp_path):
    write_parquet(tmp_path)
    params = source(tmp_path / "own.parquet", prompt="{ask} ({reply})", answer="= {reply}")
    assert pairs(params)[1] == ("Is NA it?  (NA)", "= NA")


def test_a_file_and_saved_rows_have_no_configurations(tmp_path):
    for params in (write_parquet(tmp_path), write_saved_rows(tmp_path)):
        message = error_of(params.model_copy(update={"configuration": "main"}))
        assert "corpus.datasets.own.configuration is 'main', and" in message and "Remove the key" in message


def test_a_damaged_folder_of_saved_rows_is_an_error_with_its_cause(tmp_path):
    params = write_saved_rows(tmp_path)
    (tmp_path / "own" / "state.json").write_text("{}", encoding="utf-8")
    assert f"corpus.datasets.own.path is '{params.path}': it cannot be read ('_data_files')" in error_of(params)


def test_the_home_folder_is_to_be_written_out():
    assert "~ is not taken for the home folder: write its path" in error_of(source(Path("~/own.csv")))


def test_a_path_that_no_file_can_have_is_an_error():
    assert "File name too long" in error_of(source(Path("a" * 300)))
    assert "no such file or folder" in error_of(source(Path("a\0b")))


@pytest.mark.parametrize("path", ["a" * 5000, "/" + "a/" * 2500, "a/" * 2500, "https://x.org/" + "a" * 5000])
def test_a_path_of_thousands_of_characters_is_not_shown_whole(path):
    message = error_of(source(Path("x")).model_copy(update={"path": path}))
    assert "corpus.datasets.own" in message and len(message) < 1500


def test_an_empty_path_is_not_this_folder():
    with pytest.raises(ValidationError, match="at least 1 character"):
        DatasetParams(path="", split="train", prompt="ask")
