"""What a submitted file says of itself, read with `ast`: nothing outside a sandbox imports it."""

import ast
import json
import re
from pathlib import Path

from pydantic import ValidationError

from stages.params.defenses import Settings
from stages.scoring.plugins import read_constant
from stages.submission.rules import RuleBroken, broken
from stages.submission.staging import ROOMS, Submission
from stages.threat_model.signature import KNOWN_NEEDS, read_signature

NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
MAX_BYTES = 100_000
SEEDED = frozenset({"manual_seed", "manual_seed_all", "set_seed", "seed", "seed_all"})  # whose seed is global


def read_submission(file: Path, settings: Settings) -> Submission:
    """The submission in the file. Raises RuleBroken with the line to mend."""
    if not file.is_file() or file.is_symlink() or file.suffix != ".py" or not NAME.fullmatch(file.stem):
        raise RuleBroken(broken("file", f"{file.name} is no plain file named <name>.py, of small letters, digits, _"))
    if file.stat().st_size > MAX_BYTES:
        raise RuleBroken(broken("file", f"{file.name} has more than {MAX_BYTES} bytes"))
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        needs = read_constant(file, "NEEDS", frozenset())
        signature = read_signature(file)
    except (SyntaxError, ValueError, RecursionError) as error:  # a SubmissionError is a ValueError
        raise RuleBroken(broken("file", str(error).replace(str(file), file.name))) from error
    if not ast.get_docstring(tree):
        raise RuleBroken(broken("file", f"{file.name} has no docstring; its first line is the row's description"))
    if not isinstance(needs, set | frozenset) or not needs <= KNOWN_NEEDS:
        raise RuleBroken(broken("file", f"NEEDS is {needs}; it may hold {', '.join(sorted(KNOWN_NEEDS))}"))
    for name, value in settings.items():
        _check_setting(name, value, signature.keywords, signature.takes_more)
    missing = [name for name, word in signature.keywords.items() if word.is_required and name not in settings]
    if missing:
        raise RuleBroken(broken("file", f"defend must be given {', '.join(missing)}, and its settings do not"))
    _check_tree(tree)
    return Submission(file.stem, file, settings, frozenset(needs))


def _check_setting(name: str, value: object, known: dict, takes_more: bool) -> None:
    if name not in known and not takes_more:
        raise RuleBroken(broken("file", f"defend takes no setting {name}; it takes {', '.join(known) or 'none'}"))
    if name in known:
        try:
            known[name].kind.validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            raise RuleBroken(broken("file", f"the setting {name} is {value!r}, for `{known[name].written}`")) from error


def _check_tree(tree: ast.Module) -> None:
    """Raise RuleBroken where it plainly breaks a rule; the sandbox holds what hides."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            is_from = isinstance(node, ast.ImportFrom)
            for name in [str(node.module)] if is_from else [alias.name for alias in node.names]:
                if name.startswith("stages.") and name.split(".")[1] not in ROOMS:
                    detail = f"line {node.lineno} imports {name}; of stages there are {', '.join(ROOMS)}"
                    raise RuleBroken(broken("files", detail))
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            is_own = isinstance(node.func, ast.Attribute) and "access" in ast.unparse(node.func.value)
            if called in SEEDED and not is_own:
                raise RuleBroken(broken("seeds", f"line {node.lineno} calls {ast.unparse(node.func)}"))
