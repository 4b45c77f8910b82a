"""Folders as users have them: one format or several, configurations, stray files, and links."""

import json
from pathlib import Path

import pytest

from stages.corpus.columns import read_questions
from stages.params.corpus import DatasetParams
from stages.params.errors import ParamsError

CARD = """---
configs:
- config_name: main
  data_files: [{split: train, path: main/train*}, {split: test, path: main/test*}]
- config_name: socratic
  data_files: [{split: train, path: socratic/*}]
---
# A data set
"""


def write(folder: Path, *names: str) -> None:
    """In each file a row that asks its name; in the card, that of the hub."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        content = {".csv": f"ask,reply\n{name},1\n", ".md": CARD}.get(
            file.suffix, json.dumps({"ask": name, "reply": "1"})
        )
        file.write_text(content, encoding="utf-8")


def read(folder: Path, split: str = "train", configuration: str | None = None) -> list[str]:
    params = DatasetParams(path=str(folder), configuration=configuration, split=split, prompt="ask", answer="reply")
    return [question.prompt for question in read_questions("own", params)]


def error_of(folder: Path, **wanted: str) -> str:
    with pytest.raises(ParamsError) as caught:
        read(folder, **wanted)
    return str(caught.value)


@pytest.mark.parametrize(
    ("names", "split", "expected"),
    [
        (["train.jsonl", "test.jsonl"], "test", ["test.jsonl"]),
        (["a.jsonl", "b[1].jsonl", "c/d.jsonl"], "train", ["a.jsonl", "b[1].jsonl", "c/d.jsonl"]),
        (["train.json", "dev.csv.json"], "validation", ["dev.csv.json"]),
        (["main/train.jsonl", "socratic/train.jsonl"], "train", ["main/train.jsonl", "socratic/train.jsonl"]),
        (["data/train-00000-of-00002.json", "data/train-00001-of-00002.json"], "train", None),
        (["train/x:y::z.jsonl", "test/x.jsonl"], "train", ["train/x:y::z.jsonl"]),
    ],
)
def test_a_split_is_found_in_the_names_of_files_and_folders(tmp_path, names, split, expected):
    write(tmp_path, *names)
    assert read(tmp_path, split) == (expected or names)


def test_stray_files_and_hidden_ones_break_nothing(tmp_path):
    write(tmp_path, "train.jsonl", "LICENSE", "notes.txt", "x.py", "y.py", ".DS_Store", ".x/train.csv", "._train.jsonl")
    write(tmp_path, "__MACOSX/train.csv", "dataset_infos.txt")
    (tmp_path / "README.md").write_text("# No configurations here\n", encoding="utf-8")
    assert read(tmp_path) == ["train.jsonl"]


@pytest.mark.parametrize(
    ("names", "left_out"),
    [
        (["train.csv", "train.jsonl"], "train.csv|train.jsonl"),
        (["train.jsonl", "test.jsonl", "extra.jsonl"], "extra.jsonl"),
        (["train.jsonl", "more.xlsx"], "more.xlsx"),
        (["train.jsonl", "more.jsonl.zst"], "more.jsonl.zst"),
        (["README.md", "main/train.jsonl", "main/test.jsonl", "socratic/x.jsonl", "main/dev.jsonl"], "main/dev.jsonl"),
    ],
)
def test_a_file_that_would_be_left_out_is_an_error_with_its_name(tmp_path, names, left_out):
    write(tmp_path, *names)
    message = error_of(tmp_path)
    assert any(
        f"a folder of which these files would be left out: {name}. Read would" in message
        for name in left_out.split("|")
    )
    assert "Move these files elsewhere or rename them, or name one file as corpus.datasets.own.path" in message


def test_of_several_configurations_one_must_be_chosen(tmp_path):
    write(tmp_path, "README.md", "main/train.jsonl", "main/test.jsonl", "socratic/x.jsonl")
    assert read(tmp_path, configuration="socratic") == ["socratic/x.jsonl"]
    assert read(tmp_path, "test", "main") == ["main/test.jsonl"]
    assert "a data set of 2 configurations: main, socratic. Choose one: add to corpus.datasets.own the key" in error_of(
        tmp_path
    )
    assert "no configuration 'mian'; did you mean 'main'? Known: main, socratic" in error_of(
        tmp_path, configuration="mian"
    )
    assert "no split 'test'. Known: train" in error_of(tmp_path, configuration="socratic", split="test")


@pytest.mark.parametrize(
    "card", ["---\nconfigs: 3\n---\n", "---\n- a: [\n---\n", "---\nconfigs:\n- data_files: no*\n---\n"]
)
def test_a_card_that_names_no_files_is_an_error_with_its_cause(tmp_path, card):
    write(tmp_path, "train.jsonl")
    (tmp_path / "README.md").write_text(card, encoding="utf-8")
    assert "a folder whose splits cannot be told: " in error_of(tmp_path)


def test_a_folder_without_data_says_what_it_holds(tmp_path):
    assert "a folder without a file that ends in .parquet, .csv, .tsv" in error_of(tmp_path)
    write(tmp_path, "train.txt", "README.md")
    assert "it holds README.md, train.txt. Hidden files are not read" in error_of(tmp_path)


def test_folders_may_be_linked_even_in_a_circle(tmp_path):
    write(tmp_path / "far", "train.jsonl")
    write(tmp_path / "own", "b/train.jsonl")
    (tmp_path / "own" / "a").symlink_to(tmp_path / "far")
    (tmp_path / "own" / "b" / "up").symlink_to(tmp_path / "own")
    assert read(tmp_path / "own") == ["train.jsonl", "b/train.jsonl"]


def test_each_file_of_a_split_must_have_the_columns(tmp_path):
    write(tmp_path, "a.jsonl", "b.jsonl")
    (tmp_path / "b.jsonl").write_text('{"asked": "x"}\n{}', encoding="utf-8")
    message = error_of(tmp_path)
    assert (
        f"no column 'ask'; did you mean 'asked'? Known: asked. Mend it, or the data in {tmp_path / 'b.jsonl'}."
        in message
    )
