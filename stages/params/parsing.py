"""Plain values, as YAML has them, into frozen dataclasses; and the two errors that a user or a submitter can cause."""

from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from stages.params.errors import ParamsError, unknown_name

Settings = dict[str, Any]


def parse(kind: Any, value: Any, path: str) -> Any:  # noqa: ANN401
    """`value` as `kind`: a dataclass, a plain type, or a list or mapping of them; `path` is its place, for errors.

    A key of type `... | None` may be left out. Raises ParamsError naming the key that is unknown, missing or of a wrong
    type.
    """
    if _is_optional(kind):
        return None if value is None else parse(get_args(kind)[0], value, path)
    if is_dataclass(kind):
        return _parse_fields(kind, value, path)
    if get_origin(kind) is dict and kind != Settings:
        _require(isinstance(value, dict), path, value, "a mapping")
        return {key: parse(get_args(kind)[1], item, f"{path}.{key}") for key, item in value.items()}
    if get_origin(kind) is list:
        _require(isinstance(value, list), path, value, "a list")
        return [parse(get_args(kind)[0], item, f"{path}[{i}]") for i, item in enumerate(value)]
    if kind is float:
        _require(isinstance(value, int | float) and not isinstance(value, bool), path, value, "a number")
        return float(value)
    if kind == Settings:
        _require(isinstance(value, dict), path, value, "a mapping")
        return value
    _require(isinstance(value, kind) and not isinstance(value, bool), path, value, f"a value of type {kind.__name__}")
    return value


def _parse_fields(kind: Any, value: Any, path: str) -> Any:  # noqa: ANN401
    _require(isinstance(value, dict), path, value, "a mapping")
    types = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    for key in value:
        if key not in names:
            raise ParamsError(f"{path}: " + unknown_name("key", key, names, "Remove it or mend its spelling."))
    value = {name: None for name in names if _is_optional(types[name])} | value
    missing = [name for name in names if name not in value]
    if missing:
        raise ParamsError(f"{path} lacks {', '.join(missing)}. Every key is required; see the file in git")
    return kind(**{name: parse(types[name], value[name], f"{path}.{name}") for name in names})


def _require(is_right: bool, path: str, value: object, expected: str) -> None:
    if not is_right:
        raise ParamsError(f"{path} is {value!r}; expected {expected}. Mend it in params.yaml")


def _is_optional(kind: Any) -> bool:  # noqa: ANN401
    return get_origin(kind) is UnionType and get_args(kind)[1:] == (NoneType,)
