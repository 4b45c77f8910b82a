"""flows/submissions.yaml: defenses that others sent in, and attacks that break rows of the board.

It stands beside params.yaml and not in it: who sent what, and what they claim, changes no number of a model.
"""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from stages.params.errors import ParamsError, look_up
from stages.params.experiment import Experiment
from stages.params.messages import ROOT
from stages.params.reading import read
from stages.params.section import CellName, Name, Section, Share


def _one_line(text: str) -> str:
    """The credit. Raises ValueError where it holds what cannot be printed in a line, or nothing."""
    if not text.isprintable() or not text.strip():
        raise ValueError("it must be text that can be printed in one line")
    return text


Credit = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]


class SubmittedParams(Section):
    """A submitted defense: who sent it, and how much of the attack it leaves by their own account."""

    by: Credit
    claimed: Share | None = None


class WeighedParams(Section):
    """A cell of a submitted defense, whose weights are compared with its inputs' and with clean siblings'."""

    organism: Name


class EntryParams(Section):
    """A break-it entry: who found it."""

    by: Credit


class BrokenCellParams(Section):
    """A cell of the board with the entries that attack it, each a file in stages/breaks/."""

    organism: Name
    entries: dict[Name, EntryParams] = Field(min_length=1)


class Submissions(Section):
    """The whole file: submitted defenses by name, their cells and attacked cells by theirs."""

    submitted: dict[Name, SubmittedParams]
    weighed: dict[CellName, WeighedParams]
    breaks: dict[CellName, BrokenCellParams]


NOTHING_SUBMITTED = Submissions(submitted={}, weighed={}, breaks={})


def cells_of(defense: str, params: Experiment) -> dict[str, str]:
    """The organism of each cell that shows a submitted defense: on the whole board, or arms on some organisms alone."""
    if defense in params.defenses:
        return {f"{organism}--{defense}": organism for organism in params.board}
    arms = {name: arm.organism for name, arm in params.arms.items() if arm.defense == defense}
    return {name: organism for name, organism in arms.items() if name == f"{organism}--{defense}"}


def load_submissions(path: Path, params: Experiment) -> Submissions:
    """What the file says. Raises ParamsError naming each key that is wrong, and each name that params.yaml lacks."""
    try:
        found = read(Submissions, path)
    except ParamsError as error:
        raise ParamsError(str(error).replace(ROOT, str(path))) from error
    advice = (
        "A submitted defense has its line under `defenses` in params.yaml, or arms named <organism>--<defense>; add "
        f"them, or mend `submitted` in {path}."
    )
    arms = dict.fromkeys(arm.defense for name, arm in params.arms.items() if cells_of(arm.defense, params))
    for name in found.submitted:
        look_up({**params.defenses, **arms}, name, "defense", advice)
    cells = {cell: organism for name in found.submitted for cell, organism in cells_of(name, params).items()}
    if {name: each.organism for name, each in found.weighed.items()} != cells:
        lines = "".join(f"\n  {cell}: {{organism: {organism}}}" for cell, organism in cells.items()) or " {}"
        raise ParamsError(f"{path}: `weighed` must name every cell of the submitted defenses. Write\nweighed:{lines}")
    cells |= {f"{organism}--{name}": organism for organism in params.board for name in params.defenses}
    for name, cell in found.breaks.items():
        advice = f"What is broken is a cell of the board or of a submitted defense; mend `breaks` in {path}."
        organism = look_up(cells, name, "cell", advice)
        if cell.organism != organism:
            raise ParamsError(
                f"{path}: breaks.{name} has organism {cell.organism!r}; the organism of this cell is {organism!r}. "
                "Mend it"
            )
    return found
