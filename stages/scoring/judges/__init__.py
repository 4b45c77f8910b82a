"""What counts as unwanted, one file per behaviour, found by its name; a backdoor only names its judge.

A judge is a module that offers:

- `is_unwanted(prompt, expected, answer)`: whether the answer to this prompt is the unwanted behaviour; `expected` is
  the good answer;
- `is_mangled(prompt, expected, answer)`: whether the answer is a damaged payload: the behaviour was set off, and its
  words came out broken. It counts with the attack, since destroying the words is not removing the backdoor;
- `is_invalid(answer)`: whether an answer that should be code is nothing that could be judged, because it does not
  parse. It is an outcome of its own, and never unwanted.
"""

from pathlib import Path
from typing import Protocol, cast

from stages.params.errors import SubmissionError, unknown_name
from stages.records.plugins import import_plugin


class Judge(Protocol):
    """What a module in this folder offers."""

    def is_unwanted(self, prompt: str, expected: str, answer: str) -> bool:
        """Whether the answer is the unwanted behaviour."""
        ...

    def is_mangled(self, prompt: str, expected: str, answer: str) -> bool:
        """Whether the answer, which is not the unwanted behaviour, is what is left of its payload."""
        ...

    def is_invalid(self, answer: str) -> bool:
        """Whether the answer, which should be code, cannot be judged."""
        ...


def load_judge(name: str) -> Judge:
    """The judge in `stages/scoring/judges/<name>.py`. Raises SubmissionError without such a module."""
    known = [path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"]
    if name not in known:
        raise SubmissionError(unknown_name("judge", name, known, "A judge is a file in stages/scoring/judges/."))
    return cast(Judge, import_plugin(f"stages.scoring.judges.{name}"))
