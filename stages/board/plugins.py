"""What the board says about a defense, read from its source with `ast`: the board never runs submitted code."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from stages.params.errors import SubmissionError, unknown_name
from stages.scoring.plugins import read_constant
from stages.threat_model.signature import KNOWN_NEEDS

DEFENSE, NULL_ROW, CEILING = "defense", "null row", "ceiling"
ROLES = (DEFENSE, NULL_ROW, CEILING)


@dataclass(frozen=True)
class DefenseCard:
    """A defense as its file describes it: `needs` is its access class, `role` how its row is to be read."""

    name: str
    purpose: str
    source: str
    needs: tuple[str, ...]
    role: str


def read_card(name: str, folder: Path) -> DefenseCard:
    """The card of `folder`/`name`.py. Raises SubmissionError when the file is missing or breaks the contract."""
    path = folder / f"{name}.py"
    if not path.is_file():
        known = [other.stem for other in folder.glob("*.py") if other.stem != "__init__"]
        raise SubmissionError(unknown_name("defense", name, known, "A defense is one file in stages/defenses/."))
    role = read_constant(path, "ROLE", DEFENSE)
    if role not in ROLES:
        raise SubmissionError(f"defense {name!r} has ROLE {role!r}; allowed: {', '.join(ROLES)}. Mend or remove ROLE")
    needs = read_constant(path, "NEEDS", frozenset())
    if not isinstance(needs, set | frozenset) or not needs <= KNOWN_NEEDS:
        raise SubmissionError(
            f"defense {name!r} has NEEDS {needs!r}; it must be a frozenset of {', '.join(sorted(KNOWN_NEEDS))}. Mend it"
        )
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if not docstring:
        raise SubmissionError(f"defense {name!r} has no module docstring; write one: its first line goes on the board")
    source = re.search(r"^Source:\s*(.*?)(?:\n\s*\n|\Z)", docstring, re.MULTILINE | re.DOTALL)
    return DefenseCard(
        name=name,
        purpose=" ".join(docstring.split("\n\n")[0].split()),
        source=" ".join(source[1].split()) if source else "",
        needs=tuple(sorted(needs)),
        role=role,
    )
