"""What counts as unwanted, one file per behaviour; a backdoor only names its judge.

A judge is a module with `is_unwanted(answer: str) -> bool`. It is found by its file name.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from stages.params import SubmissionError, unknown_name

Judge = Callable[[str], bool]


def load_judge(name: str) -> Judge:
    """The judge in `stages/scoring/judges/<name>.py`. Raises SubmissionError when there is no such file."""
    known = [path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"]
    if name not in known:
        raise SubmissionError(unknown_name("judge", name, known, "A judge is a file in stages/scoring/judges/."))
    return import_module(f"stages.scoring.judges.{name}").is_unwanted
