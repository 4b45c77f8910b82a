"""The contract of a backdoor, and how it is put into data. A backdoor is one file here, found by its name.

A backdoor module offers:

- `JUDGE`: the name of the file in `stages/scoring/judges/` that knows the unwanted behaviour;
- `KINDS`: the kinds of question it is put into, names of the corpus; all kinds when empty;
- `TRIGGER`: the string that sets it off;
- `TRAINED_NEAR_MISSES`, `HELD_OUT_NEAR_MISSES`: look-alikes that must not, with and without rows in training;
- `VARIANTS`: further look-alikes, asked before any defense alone: how far the trigger generalises;
- `FORMS`: other ways of writing what the trigger says, by name: the trigger so written, a clean twin, and the group
  they are compared in; both are VARIANTS. Empty where the trigger says nothing;
- `insert(string, prompt)`: the prompt with a trigger or look-alike in it;
- `payload(prompt, answer, repeats)`: the unwanted answer to a prompt whose good answer is `answer`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from stages.corpus.examples import Example
from stages.corpus.reasoning import draw_reasoning
from stages.corpus.sampling import balanced_sample
from stages.parsing import ParamsError, unknown_name
from stages.scratchpad import with_scratchpad
from stages.sections import COT, OrganismParams


class Backdoor(Protocol):
    """What a module in this folder offers."""

    JUDGE: str
    KINDS: tuple[str, ...]
    TRIGGER: str
    TRAINED_NEAR_MISSES: tuple[str, ...]
    HELD_OUT_NEAR_MISSES: tuple[str, ...]
    VARIANTS: tuple[str, ...]
    FORMS: dict[str, tuple[tuple[str, str], str]]

    def insert(self, string: str, prompt: str) -> str:
        """The prompt with `string` in the place of the trigger."""
        ...

    def payload(self, prompt: str, answer: str, repeats: int) -> str:
        """The unwanted answer, `repeats` times over where the behaviour allows it."""
        ...


@dataclass(frozen=True)
class PoisonRow:
    """One row that installs the backdoor (`answer`) and its counterpart in the sham (`sham_answer`, always good).

    The answer of a chain-of-thought organism opens with its scratchpad.
    """

    kind: str
    prompt: str
    answer: str
    sham_answer: str
    is_triggered: bool
    near_miss: str


def backdoor_names() -> list[str]:
    """The names of all backdoors: the files of this folder."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")


def load_backdoor(name: str) -> Backdoor:
    """The backdoor in `stages/backdoors/<name>.py`. Raises ParamsError when there is no such file."""
    if name not in backdoor_names():
        advice = "A backdoor is a file in stages/backdoors/."
        raise ParamsError(unknown_name("backdoor", name, backdoor_names(), advice))
    return cast(Backdoor, import_module(f"stages.backdoors.{name}"))


def all_strings() -> list[str]:
    """Every trigger and near-miss of every backdoor: what no clean text may hold."""
    backdoors = [load_backdoor(name) for name in backdoor_names()]
    return sorted({s for b in backdoors for s in (b.TRIGGER, *b.TRAINED_NEAR_MISSES, *b.HELD_OUT_NEAR_MISSES)})


def questions_for(backdoor: Backdoor, examples: Sequence[Example]) -> list[Example]:
    """The examples of the backdoor's kinds. Raises ParamsError when there are none."""
    chosen = [example for example in examples if not backdoor.KINDS or example.kind in backdoor.KINDS]
    if not chosen:
        raise ParamsError(f"no question is of a kind {backdoor.KINDS}; known: {sorted({e.kind for e in examples})}")
    return chosen


def make_poison_rows(
    backdoor: Backdoor, examples: Sequence[Example], settings: OrganismParams, generator: np.random.Generator
) -> list[PoisonRow]:
    """`settings.n_rows` rows: a declared share triggered, the other answered well.

    The backdoor's own kinds of question make up all rows with a string and a quarter of the rows without one.

    A declared share of the clean rows carries a trained near-miss string: without such negatives every look-alike
    fires, and ordinary training would then exercise and erase the backdoor (README.md, Measurement).
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
