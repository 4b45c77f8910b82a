"""Which files of a user's folder are the wanted split, by the rules of `datasets`; no data file is left out unsaid.

Its rules are kept, so that a clone of a data set of the hub is read as the hub shows it: configurations and splits are
those of README.md, or are found in the names of files and folders (https://huggingface.co/docs/hub/datasets-data-files-configuration).
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from datasets import get_dataset_config_names, load_dataset_builder
from datasets.data_files import FILES_TO_IGNORE

from stages.corpus.tables import FORMATS, format_of
from stages.params.corpus import DatasetParams
from stages.params.errors import ParamsError, unknown_name

CARD = "README.md"
MAX_NAMED = 10
LETTER_COLON = "\ua789"
# Endings of tables that are not read. A folder with one of them is not whole without it.
FOREIGN = frozenset(".arrow .avro .feather .orc .pkl .sqlite .xls .xlsx .xml .zip .tar .tgz .zst .lz4 .7z".split())


def split_files(place: str, source: DatasetParams, cache: Path) -> list[Path]:
    """The files of the split, in the order of `datasets`.

    Raises ParamsError when there is no such split or configuration, or when a data file is in none of them.
    """
    folder = Path(source.path)
    files = sorted(_files(folder))
    data = [file for file in files if format_of(folder / file) in FORMATS and file.name not in FILES_TO_IGNORE]
    if not data:
        raise ParamsError(
            f"{place}.path is {source.path!r}, a folder without a file that ends in {', '.join(FORMATS)}; it holds "
            f"{_named(files)}. Hidden files are not read"
        )
    configurations = _configurations(place, source, data + [file for file in files if file == Path(CARD)], cache)
    used = {file for splits in configurations.values() for of_split in splits.values() for file in of_split}
    left_out = [file for file in files if file not in used and (file in data or file.suffix.lower() in FOREIGN)]
    if left_out:
        raise ParamsError(
            f"{place}.path is {source.path!r}, a folder of which these files would be left out: {_named(left_out)}. "
            f"{_readable(configurations)} Files of one format are read together, a split by its name in that of the "
            f"file. Move these files elsewhere or rename them, or name one file as {place}.path"
        )
    splits = configurations[_configuration(place, source, configurations)]
    if source.split not in splits:
        raise ParamsError(f"{place}: " + unknown_name("split", source.split, splits, f"Mend {place}.split."))
    return [folder / file for file in splits[source.split]]


def _files(folder: Path) -> Iterator[Path]:
    """All files below the folder, but for hidden ones, and those of folders that begin with __, as `datasets` skips."""
    root = folder.resolve()

    def fail(error: OSError) -> None:
        raise error

    for current, folders, names in os.walk(folder, followlinks=True, onerror=fail):
        here = Path(current)
        # A link to a folder above would be walked for ever.
        folders[:] = [
            f for f in folders if f[0] != "." and f[:2] != "__" and not root.is_relative_to((here / f).resolve())
        ]
        yield from (here.relative_to(folder) / name for name in names if name[0] != ".")


def _configurations(
    place: str, source: DatasetParams, files: list[Path], cache: Path
) -> Mapping[str, Mapping[str, list[Path]]]:
    """The files of each split of each configuration, as paths below the folder.

    `datasets` takes the path of a folder for a pattern, and a path with two colons for an address. So it gets a folder
    of its own, of links.
    """
    plain = cache / "folder"
    linked = {plain / str(file).replace(":", LETTER_COLON): file for file in files}
    for link, file in linked.items():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to((Path(source.path) / file).resolve())
    try:
        builders = {
            name: load_dataset_builder(str(plain), name, cache_dir=str(cache))
            for name in get_dataset_config_names(str(plain))
        }
        return {
            name: {
                str(split): [linked[Path(link)] for link in links]
                for split, links in (builder.config.data_files or {}).items()
            }
            for name, builder in builders.items()
        }
    except Exception as error:  # what stands in README.md makes the library raise anything
        reason = str(error).replace(str(plain), ".") or type(error).__name__
        raise ParamsError(
            f"{place}.path is {source.path!r}, a folder whose splits cannot be told: {reason}. Mend the "
            f"configurations in its {CARD}, or the names of its files"
        ) from error


def _configuration(place: str, source: DatasetParams, known: Mapping[str, object]) -> str:
    if source.configuration is not None and source.configuration not in known:
        advice = f"Mend {place}.configuration, or leave it out where there is one alone."
        raise ParamsError(f"{place}: " + unknown_name("configuration", source.configuration, known, advice))
    if source.configuration is None and len(known) > 1:
        raise ParamsError(
            f"{place}.path is {source.path!r}, a data set of {len(known)} configurations: {_named([*known])}. Choose "
            f"one: add to {place} the key configuration, such as `configuration: {next(iter(known))}`"
        )
    return source.configuration or next(iter(known))


def _readable(configurations: Mapping[str, Mapping[str, list[Path]]]) -> str:
    splits = [f"{split} of {_named(files)}" for config in configurations.values() for split, files in config.items()]
    return f"Read would be the split{'s' if len(splits) > 1 else ''} {'; '.join(splits[:MAX_NAMED])}."


def _named(names: list) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(str(name) for name in names[:MAX_NAMED]) + more if names else "nothing"
