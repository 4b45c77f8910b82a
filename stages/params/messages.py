"""What pydantic finds wrong with params.yaml, in our words: which key, what came, what is allowed, what to do."""

import re
from collections.abc import Sequence
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from stages.params.errors import SHORT, ParamsError, unknown_name

ROOT = "params.yaml"
MAX_MISTAKES = 10  # lines of a message
EXPECTED = {
    "int_type": "a value of type int",
    "string_type": "a value of type str",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "string_pattern_mismatch": "a name of letters, digits and _, which begins with no digit",
    "string_too_long": "a shorter name",
    "too_short": "at least one",
    "recursion_loop": "fewer levels",
}
NUMBER = re.compile(r"[-+]?\d*\.?\d+(e[-+]?\d+)?", re.IGNORECASE)  # in quotes it is none
BOUNDS = {
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
}
Place = tuple[int | str, ...]


def explain(error: ValidationError, kind: type[BaseModel]) -> str:
    """All mistakes, one a line: misspelt keys, wrong values, missing keys; the first often cause the last.

    `kind` is what the file was read as.
    """
    found = error.errors(include_url=False)
    lines = [_unknown_key(each["loc"], kind) for each in found if each["type"] == "extra_forbidden"]
    lines += [_wrong_value(each) for each in found if each["type"] not in ("extra_forbidden", "missing")]
    lines += _missing_keys([each["loc"] for each in found if each["type"] == "missing"])
    return listed(lines)


def listed(mistakes: Sequence[str]) -> str:
    """The message for all `mistakes` in the file."""
    if len(mistakes) == 1:
        return mistakes[0]
    more = [f"and {len(mistakes) - MAX_MISTAKES} more"] if len(mistakes) > MAX_MISTAKES else []
    return "\n- ".join([f"{len(mistakes)} mistakes in {ROOT}:", *mistakes[:MAX_MISTAKES], *more])


def _unknown_key(place: Place, kind: type[BaseModel]) -> str:
    *section, key = place
    known = list(_model_at(section, kind).model_fields)
    return f"{path_of(section)}: " + unknown_name("key", str(key), known, "Remove it or mend its spelling.")


def _model_at(place: Sequence[int | str], kind: Any) -> type[BaseModel]:  # noqa: ANN401
    """The model that stands at `place` in `kind`, a model, or a list or mapping of such, or one that may be null."""
    if NoneType in get_args(kind):
        return _model_at(place, get_args(kind)[0])
    if not place:
        return kind
    key, *rest = place
    is_model = isinstance(kind, type) and issubclass(kind, BaseModel)
    return _model_at(rest, kind.model_fields[str(key)].annotation if is_model else get_args(kind)[-1])


def _wrong_value(mistake: ErrorDetails) -> str:
    place = [key for key in mistake["loc"] if key != "[key]"]  # of a key that is wrong itself
    path, came, details = path_of(place), mistake["input"], mistake.get("ctx", {})
    if mistake["type"] == "value_error":  # of a validator of ours: a ParamsError says all, a ValueError what follows
        return str(details["error"]) if isinstance(details["error"], ParamsError) else f"{path} {details['error']}"
    if mistake["type"] == "literal_error":
        known = re.findall(r"'(\w+)'", details["expected"])
        if isinstance(came, str):
            kind = next(key for key in reversed(mistake["loc"]) if isinstance(key, str))
            return unknown_name(kind, came, known, f"Mend {path.removeprefix(f'{ROOT}.')} in {ROOT}.")
        return f"{path} is {shown(came)}; expected one of {', '.join(known)}. Mend it in {ROOT}"
    return f"{path} is {shown(came)}; {wanted(mistake)}. Mend it in {ROOT}"


def wanted(mistake: ErrorDetails) -> str:
    """What is allowed in the place of the value that came."""
    if mistake["type"] in BOUNDS:
        return f"it must be {BOUNDS[mistake['type']].format(**mistake.get('ctx', {}))}"
    expected = f"expected {EXPECTED.get(mistake['type'], mistake['msg'])}"
    if mistake["type"] == "string_type" and isinstance(mistake["input"], int | float):
        return f"{expected}: put it into quotes"
    if mistake["type"] in ("int_type", "float_type") and _is_quoted(mistake["input"]):
        return f"{expected}, without quotes"
    return expected


def _is_quoted(came: object) -> bool:
    return isinstance(came, str) and NUMBER.fullmatch(came) is not None


def _missing_keys(places: Sequence[Place]) -> list[str]:
    """One line a section, which names all the keys that it lacks."""
    missing: dict[str, list[str]] = {}
    for *section, key in places:
        missing.setdefault(path_of(section), []).append(str(key))
    advice = "A key may be left out only where it may be null; see the file in git"
    return [f"{section} lacks {', '.join(keys)}. {advice}" for section, keys in missing.items()]


def path_of(place: Sequence[int | str]) -> str:
    """Where a value stands in the file, in dots and brackets."""
    return ROOT + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place)


def shown(value: object) -> str:
    """What came, as a message shows it."""
    return "null" if value is None else SHORT.repr(value)
