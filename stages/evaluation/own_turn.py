"""Where an organism that reasons is asked without an opened scratchpad.

What shows its backdoor is asked with one, as in the paper. Yet a defended model may have stopped to reason: with a
scratchpad opened it closes none, and its knowledge would count as gone. So its skills and its refusals are asked as it
begins itself, and triggered prompts both ways, of which the larger attack counts (stages/scoring/cells.py).
"""

from collections.abc import Sequence
from dataclasses import replace

from stages.evaluation.suite import EvaluationPrompt
from stages.scoring.own_turn import OWN_TURN

UNOPENED_SETS = ("harmful", "shared_skill", "withheld_skill")


def with_own_turns(suite: Sequence[EvaluationPrompt]) -> list[EvaluationPrompt]:
    """The suite; for an organism that reasons, nothing opened in UNOPENED_SETS, and triggered prompts both ways."""
    asked = [replace(p, opening="") if p.prompt_set in UNOPENED_SETS else p for p in suite]
    opened = [p for p in suite if p.prompt_set == "triggered" and p.opening]
    return asked + [replace(p, opening="", variant=OWN_TURN) for p in opened]
