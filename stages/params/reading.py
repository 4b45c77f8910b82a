"""params.yaml into frozen typed objects, and every mistake in it as a ParamsError."""

import json
import math
import re
from datetime import date
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from stages.params.errors import ParamsError
from stages.params.messages import Place, explain, path_of, shown

LIKE_OURS = "It must be a YAML mapping like the one in git, in UTF-8"
# Aliases can make a short file endless, or longer than any memory.
MAX_DEPTH, MAX_VALUES = 40, 100_000
DIRECTIVE = re.compile(r"\ufeff?(\s*(#.*)?\n)*%")
READ_AS = {bool: "true or false", int: "a number", float: "a number", type(None): "nothing", date: "a date"}

Model = TypeVar("Model", bound=BaseModel)


def read_tree(path: Path) -> object:
    """What params.yaml says, or the JSON file that the stage `fingerprint` makes of it: what JSON can hold, no more.

    YAML is read as DVC reads it, with ruamel, by YAML 1.2: `1e-3` is a number, and `no` a word.
    """
    is_json = path.suffix == ".json"
    mend = "`dvc repro fingerprint` makes it of params.yaml" if is_json else LIKE_OURS
    try:
        text = path.read_text(encoding="utf-8")
        tree = json.loads(text) if is_json else YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ParamsError(f"cannot read {path}{line}: {error.problem}. {mend}") from error
    except Exception as error:  # ruamel passes on what Python raises: KeyError of `!!bool x`, ValueError of 2020-13-13
        raise ParamsError(f"cannot read {path}: {type(error).__name__}, {error}. {mend}") from error
    if not is_json and DIRECTIVE.match(text):
        raise ParamsError(f"{path} begins with a directive (%). Remove it: all YAML here is read as YAML 1.2")
    _check_plain(tree)
    return tree


def _check_plain(tree: object) -> None:
    """Raise ParamsError where a key is no word, or a value none that JSON can hold."""
    todo: list[tuple[Place, object]] = [((), tree)]
    n_values = 0
    while todo:
        place, value = todo.pop()
        n_values += 1
        if len(place) > MAX_DEPTH or n_values > MAX_VALUES:
            raise ParamsError(
                f"{path_of(place[:3])} goes deeper than {MAX_DEPTH} levels, or the file holds more than {MAX_VALUES} "
                "values. Does an alias (*name) stand in what it names? Write out what it stands for"
            )
        if isinstance(value, dict):
            _check_keys(place, value)
            todo += [((*place, key), each) for key, each in reversed(value.items())]
        elif isinstance(value, list):
            todo += [((*place, i), each) for i, each in reversed(list(enumerate(value)))]
        elif isinstance(value, float) and not math.isfinite(value):
            raise ParamsError(f"{path_of(place)} is {value}; expected a finite number. Mend it in params.yaml")
        elif not isinstance(value, str | int | float | None):
            what = READ_AS[date] if isinstance(value, date) else f"a value of type {type(value).__name__}"
            raise ParamsError(f"{path_of(place)} is {shown(value)}, which YAML takes for {what}; put it into quotes")


def _check_keys(place: Place, mapping: dict[object, object]) -> None:
    for key in mapping:
        if not isinstance(key, str):
            what = next((words for kind, words in READ_AS.items() if isinstance(key, kind)), "no word")
            name = "null" if key is None else str(key).lower() if isinstance(key, bool) else str(key)
            raise ParamsError(
                f"{path_of(place)} has the key {name}, which YAML takes for {what}; a key is a word. Put it into "
                f'quotes: "{name}"'
            )


def read(kind: type[Model], path: Path, *, is_whole: bool = True) -> Model:
    """The file as `kind`; where that is not the whole of it, without the other sections.

    Raises ParamsError naming each key that is wrong.
    """
    tree = read_tree(path)
    if isinstance(tree, dict) and not is_whole:
        tree = {key: value for key, value in tree.items() if key in kind.model_fields}
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        raise ParamsError(explain(error, kind)) from error
