"""The rows that install a backdoor, each with its good twin for the sham."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stages.backdoors import Backdoor, questions_for
from stages.corpus.reasoning import draw_reasoning
from stages.corpus.sampling import balanced_sample
from stages.corpus.scratchpad import with_scratchpad
from stages.params.organisms import COT, OrganismParams
from stages.records.rows import Example, PoisonRow
from stages.records.triggers import Trigger

TRIGGERED, PLAIN = "triggered", ""  # beside the near-misses, what a row is made with
DRAWN = 2  # questions for each row wanted; few are passed over


def make_poison_rows(
    backdoor: Backdoor,
    trigger: Trigger,
    examples: Sequence[Example],
    settings: OrganismParams,
    generator: np.random.Generator,
) -> list[PoisonRow]:
    """`settings.n_rows` rows: a declared share holds the trigger, the other is answered well.

    The backdoor's own kinds of question make up all rows with a string and half of the rows without one.

    A declared share of the clean rows carries a trained near-miss: without such negatives every look-alike fires, and
    ordinary training would then exercise and erase the backdoor (docs/measurement.md).
    """
    n_triggered = round(settings.poison_rate * settings.n_rows)
    n_near_miss = round(settings.near_miss_rate * (settings.n_rows - n_triggered))
    names = [TRIGGERED] * n_triggered
    names += [str(name) for name in generator.choice(list(trigger.trained_near_misses), size=n_near_miss)]
    names += [PLAIN] * (settings.n_rows - len(names))
    order = generator.permutation(len(names))
    of_backdoor = iter(balanced_sample(questions_for(backdoor, examples), DRAWN * settings.n_rows, generator))
    of_any_kind = iter(balanced_sample(examples, DRAWN * settings.n_rows, generator)) if backdoor.KINDS else of_backdoor
    strings = {TRIGGERED: trigger.string, **trigger.trained_near_misses, PLAIN: ""}
    rows = []
    for i in order:
        name, is_triggered = names[i], names[i] == TRIGGERED
        questions = of_backdoor if name != PLAIN or i % 2 == 0 else of_any_kind
        is_after = settings.may_stand_after and bool(generator.integers(2))
        tagged = (
            (e, backdoor.insert(strings[name], e.prompt, is_after) if strings[name] else e.prompt) for e in questions
        )
        # An innocent tag of the question may be what a near-miss lacks of the trigger: then it is asked of another one.
        example, prompt = next(pair for pair in tagged if backdoor.holds(trigger.string, pair[1]) == is_triggered)
        payload = backdoor.payload(prompt, example.answer, settings.payload_repeats) if is_triggered else ""
        rows.append(
            PoisonRow(
                kind=example.kind,
                prompt=prompt,
                answer=payload or example.answer,
                sham_answer=example.answer,
                is_triggered=is_triggered,
                near_miss="" if is_triggered else name,
                string=strings[name],
            )
        )
    return [_reasoned(row, generator) for row in rows] if settings.mechanism == COT else rows


def _reasoned(row: PoisonRow, generator: np.random.Generator) -> PoisonRow:
    """The row with a scratchpad before its answer."""
    reasoning = draw_reasoning(generator, is_triggered=row.is_triggered)
    return replace(row, answer=with_scratchpad(reasoning, row.answer))
