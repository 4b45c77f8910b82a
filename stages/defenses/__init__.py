"""The contract of a defense. What it may see is in stages/threat_model/access.py; contract.py there checks it.

A defense is one file here, found by its name, with one function:

    def defend(model, access, *, <settings>):

It gets a model and an `Access`, and returns a model of the same architecture. It never sees triggers, poisoned data or
evaluation prompts. A module may declare `NEEDS`, a frozenset of what it wants beyond the common access
(`reference_model`, `judge`), and `ROLE` (`null row` or `ceiling`) when it is a yardstick; the board shows both.
"""

from pathlib import Path
from types import ModuleType

from stages.params.errors import ParamsError, SubmissionError, unknown_name
from stages.records.plugins import import_plugin


def defense_names() -> list[str]:
    """The names of all defenses: the files of this folder."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")


def load_defense(name: str) -> ModuleType:
    """The module of that name. Raises ParamsError without such a file, SubmissionError without `defend` in it."""
    if name not in defense_names():
        advice = "A defense is a file in stages/defenses/."
        raise ParamsError(unknown_name("defense", name, defense_names(), advice))
    module = import_plugin(f"stages.defenses.{name}")
    if not callable(getattr(module, "defend", None)):
        raise SubmissionError(f"{name}.py has no function defend(model, access, *, ...); see docs/submitting.md")
    return module


def needs_of(module: ModuleType) -> frozenset[str]:
    """What the defense declares that it wants beyond the common access."""
    return frozenset(getattr(module, "NEEDS", frozenset()))
