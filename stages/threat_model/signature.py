"""What a defense's file says of its function `defend`, and whether the settings in params.yaml fit it.

The file is read with `ast` and not run: importing one takes ten seconds, most of them for torch, and settings are
checked before anything is trained.
"""

import ast
import builtins
import collections.abc
import json
import sys
import typing
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from stages.params.defenses import Settings
from stages.params.errors import ParamsError, SubmissionError, unknown_name
from stages.params.experiment import Experiment
from stages.params.messages import ROOT, listed, path_of, shown, wanted
from stages.params.section import LearningRate, Share

CONTRACT = "def defend(model, access, *, <settings>)"
KNOWN_NEEDS = frozenset({"judge", "reference_model"})  # what a defense may declare: stages/threat_model/needs.py
# What an annotation may name. Where it names something else, any setting passes.
TYPES = {
    "Field": Field,
    "LearningRate": LearningRate,
    "Share": Share,
    "typing": typing,
    "collections": collections,
    **vars(typing),
    **vars(collections.abc),
}
TYPES |= {name: value for name, value in vars(builtins).items() if isinstance(value, type)}


class Parameter(NamedTuple):
    """A keyword of `defend`: as it is written, its type as far as that is known, and whether it has no default."""

    written: str
    kind: TypeAdapter[Any]
    is_required: bool


class Signature(NamedTuple):
    """The keywords of `defend` by name; `takes_more` where it takes any other as well (**settings)."""

    keywords: dict[str, Parameter]
    takes_more: bool


def check_settings(params: Experiment, folder: Path) -> None:
    """Raise ParamsError naming each setting of a cell that the defense's file in `folder` does not take."""
    named = [(f"defenses.{name}", name, settings) for name, settings in params.defenses.items()]
    named += [(f"arms.{name}.settings", arm.defense, arm.settings) for name, arm in params.arms.items()]
    signatures = {name: read_signature(folder / f"{name}.py") for name in dict.fromkeys(name for _, name, _ in named)}
    mistakes = [line for place, name, given in named for line in _mistakes(place, name, given, signatures[name])]
    if mistakes:
        raise ParamsError(listed(mistakes))


def read_signature(path: Path) -> Signature:
    """The keywords that `defend` in the file takes. Raises SubmissionError without one, or with nothing to import."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    _check_imports(path, body)
    functions = [node for node in body if isinstance(node, ast.FunctionDef)]
    found = next((function.args for function in reversed(functions) if function.name == "defend"), None)
    if found is None:
        raise SubmissionError(f"{path} has no function `{CONTRACT}`; write it (docs/submitting.md)")
    if len(found.posonlyargs + found.args) != 2:
        raise SubmissionError(
            f"{path}, line {found.args[0].lineno if found.args else 1}: defend has the arguments "
            f"({ast.unparse(found)}); it must be `{CONTRACT}`, two arguments and then settings by name"
        )
    keywords = {
        word.arg: Parameter(ast.unparse(word), _kind(word.annotation), default is None)
        for word, default in zip(found.kwonlyargs, found.kw_defaults, strict=True)
    }
    return Signature(keywords, takes_more=found.kwarg is not None)


def _check_imports(path: Path, body: list[ast.stmt]) -> None:
    """Raise SubmissionError where the file imports, at its top level, of a package that is not installed."""
    for node in body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
        for name in names:
            package = name.partition(".")[0]
            if package not in sys.modules and find_spec(package) is None:
                raise SubmissionError(
                    f"{path}, line {node.lineno}: imports {name}, which is not installed; mend its spelling, or add it "
                    "to the requirements"
                )


def _kind(annotation: ast.expr | None) -> TypeAdapter[Any]:
    text = ast.unparse(annotation) if annotation else "Any"
    try:
        return TypeAdapter(eval(text, {"__builtins__": {}}, TYPES))
    except Exception:  # a name of the file's own, a type that no schema describes, ...
        return TypeAdapter(Any)


def _mistakes(place: str, defense: str, settings: Settings, signature: Signature) -> Iterator[str]:
    known = signature.keywords
    for name, value in settings.items():
        if name in known:
            yield from _wrong_type(f"{place}.{name}", defense, value, known[name])
        elif not signature.takes_more:
            yield f"{place}: " + unknown_name(
                "setting", name, known, f"They are those of stages/defenses/{defense}.py."
            )
    missing = [name for name, word in known.items() if word.is_required and name not in settings]
    if missing:
        yield f"{place} lacks {', '.join(missing)}, which defend in stages/defenses/{defense}.py must be given"


def _wrong_type(place: str, defense: str, value: object, word: Parameter) -> Iterator[str]:
    try:
        word.kind.validate_json(json.dumps(value), strict=True)  # a list fits a tuple, and a whole number a float
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = path_of(first["loc"]).removeprefix(ROOT)
        yield (
            f"{place}{where} is {shown(first['input'])}; {wanted(first)}, for defend in stages/defenses/{defense}.py "
            f"has `{word.written}`. Mend it in {ROOT}"
        )
