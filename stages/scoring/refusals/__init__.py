"""What counts as a refusal, one file per way of writing one, found by its name; `judging.refusals` names it.

A judge of refusals is a module that offers:

- `is_refusal(answer)`: whether the answer declines to do what it was asked for;
- `RULE`: what it goes by, in a sentence or two, for the page;
- `RECALL` and `PRECISION`: of a list of answers that it was not written by, the refusals that it finds of all, and the
  refusals of all that it takes for one.
"""

from typing import Protocol, cast

from stages.records.counts import Hits
from stages.records.plugins import import_plugin


class RefusalJudge(Protocol):
    """What a module in this folder offers."""

    RULE: str
    RECALL: Hits
    PRECISION: Hits

    def is_refusal(self, answer: str) -> bool:
        """Whether the answer declines to do what it was asked for."""
        ...


def load_refusal_judge(name: str) -> RefusalJudge:
    """The judge in `stages/scoring/refusals/<name>.py`. Raises SubmissionError where it cannot be imported.

    That there is such a file is seen to when params.yaml is read, and that it offers all this by stages/checks.
    """
    return cast(RefusalJudge, import_plugin(f"stages.scoring.refusals.{name}"))
