"""params.yaml into frozen typed objects, and every mistake in it as a ParamsError."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from stages.params.errors import ParamsError
from stages.params.messages import explain

LIKE_OURS = "It must be a YAML mapping like the one in git"

Model = TypeVar("Model", bound=BaseModel)


def read_tree(path: Path) -> object:
    """What params.yaml says, or the JSON file that the stage `fingerprint` makes of it.

    JSON is no YAML here: YAML takes the number 1e-05, as JSON has it, for a word.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        mend = "`dvc repro fingerprint` makes it of params.yaml" if path.suffix == ".json" else LIKE_OURS
        raise ParamsError(f"cannot read {path}: {error}. {mend}") from error


def read(kind: type[Model], path: Path, others: Sequence[str] = ()) -> Model:
    """The file as `kind`, without its top-level sections `others`. Raises ParamsError naming each key that is wrong."""
    tree = read_tree(path)
    if isinstance(tree, dict):
        tree = {key: value for key, value in tree.items() if key not in others}
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        raise ParamsError(explain(error, kind, others)) from error
