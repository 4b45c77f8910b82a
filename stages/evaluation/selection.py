"""Which prompts of a suite are asked again, in another way or in the middle of a run."""

from collections.abc import Sequence
from dataclasses import replace

from stages.corpus.scratchpad import is_own_turn, own_turn
from stages.records.rows import EvaluationPrompt


def own_turns(prompts: Sequence[EvaluationPrompt]) -> list[EvaluationPrompt]:
    """Those prompts for which a scratchpad is opened, without it."""
    return [replace(prompt, opening="", variant=own_turn(prompt.variant)) for prompt in prompts if prompt.opening]


def first_of(suite: Sequence[EvaluationPrompt], prompt_set: str, count: int) -> list[EvaluationPrompt]:
    """The first `count` prompts of a set, of each string in it: the shorter suite, read in the middle of a run.

    Of what an organism that reasons is asked both ways, those with a scratchpad opened.
    """
    asked = [prompt for prompt in suite if prompt.prompt_set == prompt_set and not is_own_turn(prompt.variant)]
    strings = dict.fromkeys(prompt.tag for prompt in asked)
    return [prompt for string in strings for prompt in [p for p in asked if p.tag == string][:count]]
