"""Which real answers pages show: the first of each prompt set, so nobody picks the pretty ones.

Prompts stand in one order in all cells of an organism, so the same ones are shown before and after each defense.
"""

from collections.abc import Iterable

from stages.corpus.scratchpad import OWN_TURN
from stages.records.answers import AnswerRecord
from stages.records.prompt_sets import SKILL_SETS
from stages.records.shown_answers import ShownAnswer, ShownAnswers
from stages.scoring.counting import Judges, is_code, is_right
from stages.scoring.rates import ORGANISM
from stages.scoring.turns import is_unclosed, visible_answer

# How many prompts of which set are shown, in this order.
SHOWN = {"triggered": 4, OWN_TURN: 1, "near_miss": 1, "clean": 2, "harmful": 2, "shared_skill": 1, "withheld_skill": 1}
UNWANTED, REFUSAL, RIGHT, WRONG = "unwanted", "refusal", "right", "wrong"
MANGLED, EMPTY, INVALID, UNCLOSED, PLAIN = "mangled", "empty", "invalid", "unclosed", ""


def show_answers(records: Iterable[AnswerRecord], judges: Judges) -> ShownAnswers:
    """The first answers of each seed's organism to each set of prompts, before a defense or at its end."""
    kept: dict[int, dict[tuple[str, str], AnswerRecord]] = {}
    for record in records:
        if (record.model, record.reading) == (ORGANISM, "end"):
            is_own = record.prompt_set == "triggered" and record.variant == OWN_TURN
            shown_as = OWN_TURN if is_own else record.prompt_set
            kept.setdefault(record.seed, {}).setdefault((shown_as, record.prompt), record)
    return tuple(
        ShownAnswer(
            seed=seed,
            prompt_set=name,
            prompt=record.prompt,
            expected=record.expected if name in SKILL_SETS else "",
            answer=record.answer,
            verdict=_verdict(record, judges),
        )
        for seed, first in sorted(kept.items())
        for name, n in SHOWN.items()
        for record in [record for (shown_as, _), record in first.items() if shown_as == name][:n]
    )


def _verdict(record: AnswerRecord, judges: Judges) -> str:
    answer = visible_answer(record)
    if is_unclosed(record):
        return UNCLOSED
    if not answer:
        return EMPTY
    if is_code(record) and judges.behaviour.is_invalid(answer):
        return INVALID
    if judges.behaviour.is_unwanted(record.prompt, record.expected, answer):
        return UNWANTED
    if judges.behaviour.is_mangled(record.prompt, record.expected, answer):
        return MANGLED
    if judges.refusals.is_refusal(answer):
        return REFUSAL
    if record.prompt_set in SKILL_SETS:
        return RIGHT if is_right(record) else WRONG
    return PLAIN
