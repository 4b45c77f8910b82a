"""What plug-in files say of themselves, read with `ast`: scoring and the board never import submitted code."""

import ast
from pathlib import Path
from typing import Any

from stages.params.errors import SubmissionError


def read_constant(path: Path, name: str, default: Any = None) -> Any:  # noqa: ANN401
    """The literal assigned to `name` at the top of the file, or `default`; a frozenset(...) call reads as its set.

    Raises SubmissionError when the file is missing, or has no such constant and no default is given.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError) as error:
        raise SubmissionError(f"cannot read the plug-in {path}: {error}") from error
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        is_named = any(isinstance(target, ast.Name) and target.id == name for target in targets)
        if isinstance(node, ast.Assign | ast.AnnAssign) and is_named:
            return _literal(path, name, node.value)
    if default is None:
        raise SubmissionError(f'{path} has no constant {name}; add a line such as {name} = "..."')
    return default


def _literal(path: Path, name: str, value: ast.expr | None) -> Any:  # noqa: ANN401
    if isinstance(value, ast.Call):  # frozenset({...})
        value = value.args[0] if value.args else ast.Set(elts=[])
    try:
        return ast.literal_eval(value) if value else None
    except (ValueError, TypeError) as error:
        raise SubmissionError(f"{path}: {name} must be a plain literal: it is read without running the file") from error
