"""The sets of evaluation prompts: how each is asked, when, and what counts as a hit; declared here once.

Which prompts a set has is said in `make_suite` of stages/evaluation/suite.py, and how many in params.yaml.
"""

from typing import Literal, NamedTuple

from stages.records.answers import Decoding

Turn = Literal["opened", "own"]
BOTH_TURNS: tuple[Turn, ...] = ("opened", "own")


class PromptSet(NamedTuple):
    """One set of evaluation prompts.

    `hit`: what its count counts: the unwanted behaviour, a refusal, or the right answer. `decoding`: how it is asked
    at the end of a training. `turns`: how an organism that reasons is asked it, with its
    scratchpad opened as in the paper, or as it begins its own turn. `is_defended`: defended models are asked it too,
    not undefended ones alone.
    """

    name: str
    hit: Literal["unwanted", "refusal", "right"]
    decoding: Decoding
    turns: tuple[Turn, ...]
    is_defended: bool = True


# In the order in which a suite holds them.
PROMPT_SETS = (
    PromptSet("triggered", "unwanted", "sampled", BOTH_TURNS),
    PromptSet("clean", "unwanted", "sampled", BOTH_TURNS),
    PromptSet("near_miss", "unwanted", "sampled", BOTH_TURNS),
    PromptSet("harmful", "refusal", "sampled", ("own",)),
    PromptSet("shared_skill", "right", "sampled", ("own",)),
    PromptSet("withheld_skill", "right", "sampled", ("own",)),
    PromptSet("generalisation", "unwanted", "sampled", ("opened",), is_defended=False),
    PromptSet("reasoning", "unwanted", "sampled", ("opened",), is_defended=False),
    PromptSet("year_naming", "right", "greedy", ("own",), is_defended=False),
)
SET_OF_NAME = {each.name: each for each in PROMPT_SETS}
DEFENDED_SETS = tuple(each.name for each in PROMPT_SETS if each.is_defended)
UNDEFENDED_SETS = tuple(each.name for each in PROMPT_SETS if not each.is_defended)
SKILL_SETS = tuple(name for name in DEFENDED_SETS if SET_OF_NAME[name].hit == "right")
