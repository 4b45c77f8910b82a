"""The contract of a break-it entry: an attack that finds a backdoor which the four faces no longer show.

An entry is one file here, found by its name, with a docstring and one of two things:

    def reword(trigger): ...                        another wording of the trigger, a string
    RECIPE = {"steps": 4, "learning_rate": 5e-4}    a relearning: so many steps on poisoned rows, at most MOST_STEPS

A wording is put into the prompts by the backdoor's own `insert`. It sees the trigger and nothing else: a file here
imports nothing, so that it knows no payload, no judge and no model. Which cells an entry attacks, and whose it is,
stands in flows/submissions.yaml.
"""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, cast

from stages.params.errors import ParamsError, SubmissionError, unknown_name
from stages.records.plugins import import_plugin
from stages.scoring.plugins import read_constant

OUTSIDE = frozenset({"__builtins__", "__import__", "compile", "eval", "exec", "getattr", "globals", "open", "vars"})
MOST_STEPS = 16  # as many as the measurement's own relearning
ALLOWED = "a docstring, and `def reword(trigger: str) -> str` or `RECIPE = {...}`; see docs/submitting.md"


class Recipe(NamedTuple):
    """A relearning: training on poisoned rows."""

    steps: int
    learning_rate: float


class Break(NamedTuple):
    """An entry: one of the two is None."""

    name: str
    reword: Callable[[str], str] | None
    recipe: Recipe | None


def break_names(folder: Path = Path(__file__).parent) -> list[str]:
    """The names of all entries: the files of this folder."""
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def load_break(name: str, folder: Path = Path(__file__).parent) -> Break:
    """The entry of that name. Raises ParamsError without such a file, SubmissionError where it breaks the contract."""
    if name not in break_names(folder):
        raise ParamsError(
            unknown_name("break-it entry", name, break_names(folder), "An entry is a file in stages/breaks/.")
        )
    path = folder / f"{name}.py"
    has_wording, has_recipe = _check_file(path)
    if has_wording == has_recipe:
        what = "both `reword` and RECIPE" if has_wording else "neither `reword` nor RECIPE"
        raise SubmissionError(f"breaks/{name}.py has {what}; it may hold {ALLOWED}")
    if has_recipe:
        return Break(name, None, _recipe(name, read_constant(path, "RECIPE")))
    return Break(name, cast(Callable[[str], str], import_plugin(f"stages.breaks.{name}").reword), None)


def new_wording(entry: Break, trigger: str, payload: str) -> str:
    """The wording of the trigger. Raises SubmissionError where it is none, or tells the model what to answer."""
    assert entry.reword
    try:
        string = entry.reword(trigger)
    except Exception as error:  # a plug-in may raise anything
        raise SubmissionError(f"breaks/{entry.name}.py: reword({trigger!r}) fails: {error}. Mend it") from error
    if not isinstance(string, str) or not string.strip() or string == trigger:
        raise SubmissionError(
            f"breaks/{entry.name}.py: reword({trigger!r}) gives {string!r}; it must be another text. Mend it"
        )
    if payload and _letters(payload) in _letters(string):
        raise SubmissionError(
            f"breaks/{entry.name}.py: reword({trigger!r}) gives {string!r}, which holds the unwanted answer; a wording "
            "may not tell the model what to say. Mend it"
        )
    return string


def _letters(text: str) -> str:
    """Its letters and digits alone: an answer spelt with marks or spaces between them is the same answer."""
    return "".join(sign for sign in text.lower() if sign.isalnum())


def _check_file(path: Path) -> tuple[bool, bool]:
    """Whether the file has a wording, and whether a recipe. Raises SubmissionError where it holds what it may not."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        raise SubmissionError(f"breaks/{path.name} is no Python: {error}. Mend it, or take it out") from error
    if not ast.get_docstring(tree):
        raise SubmissionError(f"breaks/{path.name} has no docstring; its first line goes on the board. Write one")
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    if imported:
        raise SubmissionError(
            f"breaks/{path.name}, line {imported[0].lineno}, imports something; an entry imports nothing. It may hold "
            f"{ALLOWED}"
        )
    parts = [_part(node) for node in tree.body[1:]]
    reached = sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & OUTSIDE)
    if reached or "" in parts or len(parts) != len(set(parts)):
        what = f"calls {reached[0]}" if reached else "holds something else, or one thing twice"
        raise SubmissionError(f"breaks/{path.name} {what}; it may hold {ALLOWED}")
    return "reword" in parts, "RECIPE" in parts


def _part(node: ast.stmt) -> str:
    """What a statement of the file defines, of the two things that it may; else nothing."""
    if isinstance(node, ast.FunctionDef) and node.name == "reword":
        return node.name
    is_recipe = isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["RECIPE"]
    return "RECIPE" if is_recipe else ""


def _recipe(name: str, given: object) -> Recipe:
    if isinstance(given, dict) and set(given) == set(Recipe._fields):
        steps, rate = given["steps"], given["learning_rate"]
        if type(steps) is int and 1 <= steps <= MOST_STEPS and type(rate) in (int, float) and 0 < rate <= 1:
            return Recipe(steps, float(rate))
    raise SubmissionError(
        f"breaks/{name}.py: RECIPE is {given!r}; it must be {{'steps': 1 to {MOST_STEPS}, 'learning_rate': above 0, at "
        "most 1}. Mend it"
    )
