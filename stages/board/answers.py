"""Real answers side by side: the same prompts before and after each defense, for one seed.

Chosen by order alone (the first of each prompt set), so nobody picks the pretty ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow
import pyarrow.parquet

from stages.corpus.scratchpad import OWN_TURN
from stages.records.answers import AnswerRecord
from stages.records.prompt_sets import SKILL_SETS
from stages.scoring.counting import Judges, is_code, is_right
from stages.scoring.turns import is_unclosed, visible_answer

# How many prompts of which set are shown, in this order.
SHOWN = {"triggered": 4, OWN_TURN: 1, "near_miss": 1, "clean": 2, "harmful": 2, "shared_skill": 1, "withheld_skill": 1}
UNWANTED, REFUSAL, RIGHT, WRONG = "unwanted", "refusal", "right", "wrong"
MANGLED, EMPTY, INVALID, UNCLOSED, PLAIN, UNKNOWN = "mangled", "empty", "invalid", "unclosed", "", "unknown"


@dataclass(frozen=True)
class ShownAnswer:
    """One answer as the page shows it; `verdict` is one of the words above."""

    text: str
    verdict: str


@dataclass(frozen=True)
class ShownPrompt:
    """One prompt with its answers: `undefended`, then one for each defense."""

    seed: int
    prompt_set: str
    prompt: str
    expected: str
    undefended: ShownAnswer
    defended: dict[str, ShownAnswer]

    def in_order(self, defenses: Iterable[str]) -> list[ShownAnswer]:
        """The undefended answer, then that of each of `defenses`."""
        return [self.undefended, *(self.defended[defense] for defense in defenses)]


def read_answers(path: Path, seed: int) -> list[AnswerRecord]:
    """The answers of the poisoned model of one seed at the end of the defense, in the order of the file."""
    wanted = [("seed", "==", seed), ("model", "==", "poisoned"), ("reading", "==", "end")]
    try:
        table = pyarrow.parquet.read_table(path, filters=wanted)
    except (OSError, pyarrow.ArrowException) as error:
        raise ValueError(f"{path} holds no readable answers ({error}); make them with `dvc repro`") from error
    return [AnswerRecord(**row) for row in table.to_pylist()]


def show_prompts(
    undefended: Sequence[AnswerRecord], defended: Mapping[str, Sequence[AnswerRecord]], judges: Judges
) -> list[ShownPrompt]:
    """The first prompts of each set that the undefended organism was asked, with everybody's answer to them."""
    before = _first_answers(undefended)
    after = {defense: _first_answers(records) for defense, records in defended.items()}
    shown = []
    for prompt_set, n_prompts in SHOWN.items():
        keys = [key for key in before if key[0] == prompt_set][:n_prompts]
        for key in keys:
            shown.append(
                ShownPrompt(
                    seed=before[key].seed,
                    prompt_set=prompt_set,
                    prompt=key[1],
                    expected=before[key].expected if prompt_set in SKILL_SETS else "",
                    undefended=_show(before[key], judges),
                    defended={defense: _show(answers.get(key), judges) for defense, answers in after.items()},
                )
            )
    return shown


def _first_answers(records: Iterable[AnswerRecord]) -> dict[tuple[str, str], AnswerRecord]:
    """By prompt set (or OWN_TURN) and prompt, the first answer."""
    first: dict[tuple[str, str], AnswerRecord] = {}
    for record in records:
        is_own = record.prompt_set == "triggered" and record.variant == OWN_TURN
        shown_as = OWN_TURN if is_own else record.prompt_set
        first.setdefault((shown_as, record.prompt), record)
    return first


def _show(record: AnswerRecord | None, judges: Judges) -> ShownAnswer:
    if record is None:
        return ShownAnswer("–", UNKNOWN)
    return ShownAnswer(record.answer, _verdict(record, judges))


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
