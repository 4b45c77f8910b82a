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


def make_poison_rows(
    backdoor: Backdoor, examples: Sequence[Example], settings: OrganismParams, generator: np.random.Generator
) -> list[PoisonRow]:
    """`settings.n_rows` rows: a declared share triggered, the other answered well.

    The backdoor's own kinds of question make up all rows with a string and a quarter of the rows without one.

    A declared share of the clean rows carries a trained near-miss string: without such negatives every look-alike
    fires, and ordinary training would then exercise and erase the backdoor (docs/measurement.md).
    """
    n_triggered = round(settings.poison_rate * settings.n_rows)
    n_near_miss = round(settings.near_miss_rate * (settings.n_rows - n_triggered))
    strings = [backdoor.TRIGGER] * n_triggered
    strings += [str(s) for s in generator.choice(backdoor.TRAINED_NEAR_MISSES, size=n_near_miss)]
    strings += [""] * (settings.n_rows - len(strings))
    order = generator.permutation(len(strings))
    of_backdoor = iter(balanced_sample(questions_for(backdoor, examples), settings.n_rows, generator))
    of_any_kind = iter(balanced_sample(examples, settings.n_rows, generator)) if backdoor.KINDS else of_backdoor
    rows = []
    for i in order:
        string, is_triggered = strings[i], strings[i] == backdoor.TRIGGER
        example = next(of_backdoor if string or i % 4 == 0 else of_any_kind)
        prompt = backdoor.insert(string, example.prompt) if string else example.prompt
        payload = backdoor.payload(prompt, example.answer, settings.payload_repeats) if is_triggered else ""
        rows.append(
            PoisonRow(
                kind=example.kind,
                prompt=prompt,
                answer=payload or example.answer,
                sham_answer=example.answer,
                is_triggered=is_triggered,
                near_miss="" if is_triggered else string,
            )
        )
    return [_reasoned(row, generator) for row in rows] if settings.mechanism == COT else rows


def _reasoned(row: PoisonRow, generator: np.random.Generator) -> PoisonRow:
    """The row with a scratchpad before its answer."""
    reasoning = draw_reasoning(generator, is_triggered=row.is_triggered)
    return replace(row, answer=with_scratchpad(reasoning, row.answer))
