"""What pages say of a defense or a backdoor, read from its source with `ast`: the board never runs submitted code."""

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
    """A defense as its file describes it: `needs` is its access class, `role` how its row is to be read.

    `purpose` is the first line of its docstring, `paragraphs` are the others without the source.
    """

    name: str
    purpose: str
    paragraphs: tuple[str, ...]
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
    docstring = _docstring(path)
    if not docstring:
        raise SubmissionError(f"defense {name!r} has no module docstring; write one: its first line goes on the board")
    purpose, *others = _paragraphs(docstring)
    return DefenseCard(
        name=name,
        purpose=purpose,
        paragraphs=tuple(others),
        source=_source(docstring),
        needs=tuple(sorted(needs)),
        role=role,
    )


@dataclass(frozen=True)
class EntryCard:
    """A break-it entry as its file describes it; `recipe` is that of a relearning, None for a wording."""

    name: str
    purpose: str
    source: str
    recipe: dict[str, float] | None


def read_entry(name: str, folder: Path) -> EntryCard:
    """The card of `folder`/`name`.py. Raises SubmissionError when the file is missing."""
    path = folder / f"{name}.py"
    if not path.is_file():
        known = [other.stem for other in folder.glob("*.py") if other.stem != "__init__"]
        raise SubmissionError(unknown_name("break-it entry", name, known, "An entry is one file in stages/breaks/."))
    docstring = _docstring(path)
    purpose = next(iter(_paragraphs(docstring)), "")
    return EntryCard(name, purpose, _source(docstring), read_constant(path, "RECIPE", {}) or None)


@dataclass(frozen=True)
class BackdoorCard:
    """A backdoor as its file describes it; `example` is a trigger as the paper has it."""

    purpose: str
    example: str
    source: str


def read_backdoor(name: str, folder: Path) -> BackdoorCard:
    """The card of `folder`/`name`.py, empty where the file says nothing. Raises SubmissionError when it is missing."""
    path = folder / f"{name}.py"
    example = read_constant(path, "EXAMPLE", "")
    docstring = _docstring(path)
    return BackdoorCard(next(iter(_paragraphs(docstring)), ""), example, _source(docstring))


def _docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def _paragraphs(docstring: str) -> list[str]:
    """Each paragraph in one line, but for the one that names the source."""
    found = [" ".join(paragraph.split()) for paragraph in docstring.split("\n\n")]
    return [paragraph for paragraph in found if paragraph and not paragraph.startswith("Source:")]


def _source(docstring: str) -> str:
    found = re.search(r"^Source:\s*(.*?)(?:\n\s*\n|\Z)", docstring, re.MULTILINE | re.DOTALL)
    return " ".join(found[1].split()) if found else ""
