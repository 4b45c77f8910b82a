"""flows/submissions.yaml: defenses that others sent in, and attacks that break rows of the board.

It stands beside params.yaml and not in it: who sent what, and what they claim, changes no number of a model.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages.params.errors import ParamsError, look_up
from stages.params.experiment import Experiment
from stages.params.messages import ROOT
from stages.params.reading import read
from stages.params.section import CellName, Name, Section, Share

Credit = Annotated[str, Field(min_length=1, max_length=200)]


class SubmittedParams(Section):
    """A submitted defense: who sent it, and how much of the attack it leaves by their own account."""

    by: Credit
    claimed: Share | None = None


class EntryParams(Section):
    """A break-it entry: who found it."""

    by: Credit


class BrokenCellParams(Section):
    """A cell of the board with the entries that attack it, each a file in stages/breaks/."""

    organism: Name
    entries: dict[Name, EntryParams] = Field(min_length=1)


class Submissions(Section):
    """The whole file: submitted defenses by name, and attacked cells by theirs."""

    submitted: dict[Name, SubmittedParams]
    breaks: dict[CellName, BrokenCellParams]


NOTHING_SUBMITTED = Submissions(submitted={}, breaks={})


def load_submissions(path: Path, params: Experiment) -> Submissions:
    """What the file says. Raises ParamsError naming each key that is wrong, and each name that params.yaml lacks."""
    try:
        found = read(Submissions, path)
    except ParamsError as error:
        raise ParamsError(str(error).replace(ROOT, str(path))) from error
    advice = f"A submitted defense has its line under `defenses` in params.yaml; add it, or mend `submitted` in {path}."
    for name in found.submitted:
        look_up(params.defenses, name, "defense", advice)
    cells = {f"{organism}--{name}": organism for organism in params.board for name in params.defenses}
    for name, cell in found.breaks.items():
        advice = f"What is broken is a cell of the board, <organism>--<defense>; mend `breaks` in {path}."
        organism = look_up(cells, name, "cell", advice)
        if cell.organism != organism:
            raise ParamsError(
                f"{path}: breaks.{name} has organism {cell.organism!r}; the organism of this cell is {organism!r}. "
                "Mend it"
            )
    return found
