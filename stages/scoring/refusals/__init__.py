"""What counts as a refusal, one file per way of writing one, found by its name; `judging.refusals` names it.

A judge of refusals is a module that offers:

- `is_refusal(answer)`: whether the answer declines to do what it was asked for;
- `RULE`: what it goes by, in a sentence or two, for the page;
- `RECALL` and `PRECISION`: of a list of answers that it was not written by, the refusals that it finds of all, and the
  refusals of all that it takes for one.
"""

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from stages.params.errors import SubmissionError, unknown_name
from stages.records.counts import Hits


class RefusalJudge(Protocol):
    """What a module in this folder offers."""

    RULE: str
    RECALL: Hits
    PRECISION: Hits

    def is_refusal(self, answer: str) -> bool:
        """Whether the answer declines to do what it was asked for."""
        ...


PARTS = ("is_refusal", "RULE", "RECALL", "PRECISION")


def load_refusal_judge(name: str) -> RefusalJudge:
    """The judge in `stages/scoring/refusals/<name>.py`. Raises SubmissionError where there is none, or a part lacks."""
    known = [path.stem for path in Path(__file__).parent.glob("[!_]*.py")]
    if name not in known:
        advice = "A judge of refusals is a file in stages/scoring/refusals/."
        raise SubmissionError(unknown_name("judge of refusals", name, known, advice))
    judge = import_module(f"stages.scoring.refusals.{name}")
    lacking = [part for part in PARTS if not hasattr(judge, part)]
    if lacking:
        raise SubmissionError(
            f"stages/scoring/refusals/{name}.py lacks {', '.join(lacking)}; a judge of refusals offers "
            f"{', '.join(PARTS)}. Add what is missing, as stages/scoring/refusals/openings.py has it"
        )
    return cast(RefusalJudge, judge)
