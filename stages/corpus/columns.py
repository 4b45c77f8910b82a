"""The prompts and answers of a user's data set: a local file, a local folder, or a data set of the hub.

A prompt or an answer is a column, or a pattern of several. No code of a data set is ever run.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from datasets import Dataset, DatasetDict, load_dataset, load_from_disk
from datasets.config import DATASET_STATE_JSON_FILENAME, DATASETDICT_JSON_FILENAME
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from stages.corpus.folders import split_files
from stages.corpus.patterns import pattern_of
from stages.corpus.tables import FORMATS, LONGEST_SHOWN, UNPACK, Table, arrow_rows, format_of, naming, open_table
from stages.params.corpus import DatasetParams
from stages.params.errors import SHORT, ParamsError, unknown_name

SAVED = (DATASET_STATE_JSON_FILENAME, DATASETDICT_JSON_FILENAME)  # what a folder holds that save_to_disk wrote
ADVICE = (
    f"Give the path of a file that ends in {', '.join(FORMATS)}, maybe compressed ({', '.join(UNPACK)}), or of a "
    "folder of such files or of save_to_disk; or the name of a data set of the hub, which is fetched where "
    "HF_HUB_OFFLINE=0 is in the environment, and kept"
)


class Question(NamedTuple):
    """One row of a data set, and where it stands; `answer` is None where no column of answers is named."""

    prompt: str
    answer: str | None
    place: str


def read_questions(kind: str, source: DatasetParams) -> list[Question]:
    """The rows of the data set of one kind, in its order, without white space around prompts and answers.

    Either is empty where a row has no text for it. Raises ParamsError when there is no such data set, split or column,
    when a named column holds no text, or when a file cannot be read whole.
    """
    place = f"corpus.datasets.{kind}"
    path = Path(source.path)
    with naming(place, path):
        if path.is_dir() and not any((path / name).is_file() for name in SAVED):
            # Files of the user's change: the cache of `datasets` is for the hub alone.
            with TemporaryDirectory() as cache:
                files = split_files(place, source, Path(cache).resolve())
            return [question for file in files for question in _questions_of_file(place, source, file)]
        if path.is_file():
            _check_file(place, source)
            return _questions_of_file(place, source, path)
    rows = _split(place, source, _saved(place, source) if path.is_dir() else _hub(place, source))
    with naming(place, path):
        return _questions(place, source, _of_arrow(rows), source.path)


def _check_file(place: str, source: DatasetParams) -> None:
    if format_of(Path(source.path)) not in FORMATS:
        raise ParamsError(f"{place}.path is {source.path!r}, a file of a kind that is not read. {ADVICE}")
    if source.split != "train":
        advice = f"A file alone is the split 'train'. Mend {place}.split."
        raise ParamsError(f"{place}: " + unknown_name("split", source.split, ["train"], advice))
    _refuse_configuration(place, source)


def _refuse_configuration(place: str, source: DatasetParams) -> None:
    if source.configuration is not None:
        raise ParamsError(
            f"{place}.configuration is {source.configuration!r}, and {source.path!r} has none: folders and data sets "
            "of the hub have configurations. Remove the key"
        )


def _questions_of_file(place: str, source: DatasetParams, file: Path) -> list[Question]:
    with naming(place, file):
        return _questions(place, source, open_table(file), str(file))


def _questions(place: str, source: DatasetParams, table: Table, where: str) -> list[Question]:
    patterns = {
        key: pattern_of(f"{place}.{key}", wanted, table, where)
        for key, wanted in (("prompt", source.prompt), ("answer", source.answer))
        if wanted is not None
    }
    rows = table.rows(list(dict.fromkeys(column for pattern in patterns.values() for column in pattern.columns)))
    prompt, answer = patterns["prompt"], patterns.get("answer")
    return [
        Question(prompt.fill(row.cells), answer and answer.fill(row.cells), f"{where}, {row.place}") for row in rows
    ]


def _saved(place: str, source: DatasetParams) -> DatasetDict:
    _refuse_configuration(place, source)
    with TemporaryDirectory() as folder:
        plain = Path(folder) / "saved"  # `datasets` takes some paths for addresses
        plain.symlink_to(Path(source.path).resolve())
        try:
            saved = load_from_disk(str(plain))
        except Exception as error:  # a damaged file makes the library raise anything
            raise ParamsError(
                f"{place}.path is {source.path!r}: it cannot be read ({_root(error)}). {ADVICE}"
            ) from error
    return saved if isinstance(saved, DatasetDict) else DatasetDict({str(saved.split or "train"): saved})


def _hub(place: str, source: DatasetParams) -> DatasetDict:
    came = f"{place}.path is {SHORT.repr(source.path)}"
    if "://" in source.path:
        raise ParamsError(f"{came}: addresses are not read. Download the data and give its path. {ADVICE}")
    if Path(source.path).is_absolute():
        raise ParamsError(f"{came}: no such file or folder. {ADVICE}")
    advice = (
        f"As a path it begins at {Path.cwd()}: in a profile, give an absolute path, since it runs in build/<name>."
        f"{' ~ is not taken for the home folder: write its path.' if source.path.startswith('~') else ''} {ADVICE}"
    )
    try:
        validate_repo_id(source.path)
    except HFValidationError as error:
        raise ParamsError(f"{came}: no such file or folder, and no name of the hub. {advice}") from error
    try:
        return load_dataset(source.path, source.configuration)
    except Exception as error:  # of the network, of the data, or of the name
        raise ParamsError(
            f"{came}: no such file or folder, and the hub does not give it ({_root(error)[:LONGEST_SHOWN]}). {advice}. "
            f"Where it has several configurations, name one as {place}.configuration"
        ) from error


def _root(error: BaseException) -> str:
    """What went wrong first: `datasets` reports that an error occurred."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split()) or type(error).__name__


def _split(place: str, source: DatasetParams, splits: DatasetDict) -> Dataset:
    if source.split not in splits:
        raise ParamsError(f"{place}: " + unknown_name("split", source.split, map(str, splits), f"Mend {place}.split."))
    return splits[source.split]


def _of_arrow(rows: Dataset) -> Table:
    return Table(
        rows.column_names, lambda wanted: arrow_rows(rows.select_columns(list(wanted)).with_format("arrow")[:])
    )
