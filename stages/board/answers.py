"""Real answers side by side: the same prompt before a defense and after it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stages.records.shown_answers import ShownAnswer, ShownAnswers


class Asked(NamedTuple):
    """One prompt, as in the answer before; `page` has all of its cell, None where it stands on that page."""

    before: ShownAnswer
    after: ShownAnswer | None
    organism: str
    page: str | None


def answers_by_seed(organism: str, undefended: ShownAnswers, after: ShownAnswers) -> dict[int, list[Asked]]:
    """All prompts of each seed with their answers before and after."""
    defended = {_key(answer): answer for answer in after}
    found: dict[int, list[Asked]] = {}
    for answer in undefended:
        found.setdefault(answer.seed, []).append(Asked(answer, defended.get(_key(answer)), organism, None))
    return found


def first_triggered(cells: Mapping[str, str], shown: Mapping[str, ShownAnswers], seeds: Sequence[int]) -> list[Asked]:
    """Of each organism, by its cell, the first triggered prompt of the first of `seeds` that has one."""
    found = []
    for organism, cell in cells.items():
        by_seed = answers_by_seed(organism, shown[organism], shown[cell])
        asked = [each for seed in seeds for each in by_seed.get(seed, ()) if each.before.prompt_set == "triggered"]
        found += [each._replace(page=cell) for each in asked[:1]]
    return found


def _key(answer: ShownAnswer) -> tuple[int, str, str]:
    return answer.seed, answer.prompt_set, answer.prompt
