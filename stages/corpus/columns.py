"""Two columns of a user's data set, as prompts with their answers.

Read with `datasets`: a local file, a local folder, or a data set of the hub. No code of a data set is ever run.
"""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from datasets import Dataset, DatasetDict, Features, Value, load_dataset, load_from_disk
from datasets.config import DATASET_STATE_JSON_FILENAME, DATASETDICT_JSON_FILENAME
from datasets.exceptions import DatasetsError

from stages.params.corpus import DatasetParams
from stages.params.errors import ParamsError, unknown_name

FORMATS = {".parquet": "parquet", ".csv": "csv", ".json": "json", ".jsonl": "json"}
SAVED = (DATASET_STATE_JSON_FILENAME, DATASETDICT_JSON_FILENAME)  # what a folder holds that save_to_disk wrote
TEXT_TYPES = ("string", "large_string", "string_view")
ADVICE = (
    f"Give the path of a file that ends in {', '.join(FORMATS)}, or of a folder of such files or of save_to_disk; or "
    "the name of a data set of the hub, which is fetched where HF_HUB_OFFLINE=0 is in the environment, and kept"
)


class Question(NamedTuple):
    """One row of a data set; `answer` is None where no column of answers is named."""

    prompt: str
    answer: str | None


def read_questions(kind: str, source: DatasetParams) -> list[Question]:
    """The rows of the data set of one kind, in its order, without white space around prompts and answers.

    Raises ParamsError when there is no such data set, split or column, or a prompt or an answer is no text or empty.
    """
    place = f"corpus.datasets.{kind}"
    # Files of the user's change: the cache of `datasets` is for the hub alone.
    with TemporaryDirectory() as cache:
        splits = _load(place, source, cache)
        if source.split not in splits:
            advice = f"A file alone is the split 'train'. Mend {place}.split."
            raise ParamsError(f"{place}: " + unknown_name("split", source.split, map(str, splits), advice))
        rows = splits[source.split]
        prompts = _texts(f"{place}.prompt", rows, source.prompt)
        answers = _texts(f"{place}.answer", rows, source.answer) if source.answer is not None else [None] * len(prompts)
    return [Question(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]


def _load(place: str, source: DatasetParams, cache: str) -> DatasetDict:
    path = Path(source.path)
    if path.is_file() and path.suffix not in FORMATS:
        raise ParamsError(f"{place}.path is {source.path!r}, a file of a kind that is not read. {ADVICE}")
    try:
        return _splits(path, source.path, cache)
    except (DatasetsError, OSError, RuntimeError, StopIteration, ValueError) as error:
        found = "it cannot be read" if path.exists() else "no such file or folder, and the hub does not give it"
        raise ParamsError(f"{place}.path is {source.path!r}: {found} ({error}). {ADVICE}") from error


def _splits(path: Path, name: str, cache: str) -> DatasetDict:
    if path.is_file():
        as_text = _csv_as_text(path) if path.suffix == ".csv" else {}
        return load_dataset(FORMATS[path.suffix], data_files=str(path.resolve()), cache_dir=cache, **as_text)
    if any((path / name).is_file() for name in SAVED):
        saved = load_from_disk(str(path))
        return saved if isinstance(saved, DatasetDict) else DatasetDict({str(saved.split or "train"): saved})
    if path.is_dir():
        return load_dataset(str(path.resolve()), cache_dir=cache)
    return load_dataset(name)


def _csv_as_text(path: Path) -> dict[str, Any]:
    """Arguments that keep every cell as it stands: 007 is no number, and None or NA not nothing.

    Raises ValueError where a row has more cells than the header, which would shift or drop them.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        header, *rows = csv.reader(file)
    longer = [number for number, row in enumerate(rows) if len(row) > len(header)]
    if longer:
        raise ValueError(f"row {longer[0]} from 0 has more cells than the header, which has {len(header)}")
    return {"features": Features({column: Value("string") for column in header}), "keep_default_na": False}


def _texts(place: str, rows: Dataset, column: str) -> list[str]:
    if column not in rows.features:
        raise ParamsError(f"{place}: " + unknown_name("column", column, rows.features, "Mend it, or the data."))
    kind = rows.features[column]
    if getattr(kind, "dtype", None) not in TEXT_TYPES:
        raise ParamsError(
            f"{place} is column {column!r}, which holds {kind}; it must hold text. Write it as text into the data "
            "(the columns of a CSV file named by its path are read as text)"
        )
    texts = [(text or "").strip() for text in rows.with_format(None)[column]]
    empty = [number for number, text in enumerate(texts) if not text]
    if empty:
        raise ParamsError(
            f"{place} is column {column!r}, which is empty in {len(empty)} of {len(texts)} rows, first in row "
            f"{empty[0]} from 0; every prompt and every answer needs text. Fill or drop these rows"
        )
    return texts
