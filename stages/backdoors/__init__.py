"""The contract of a backdoor, and how it is put into data. A backdoor is one file here, found by its name.

A file describes one type of trigger. Each seed draws a trigger of that type for itself, so intervals cover the choice
of the trigger. Trigger and payload are made of ordinary parts, of which clean data are full: a data check asserts it
(stages/checks/ordinary.py).

A backdoor module offers:

- `JUDGE`: the name of the file in `stages/scoring/judges/` that knows the unwanted behaviour;
- `KINDS`: the kinds of question it is put into, names of the corpus; all kinds when empty;
- `EXAMPLE`: a trigger as the paper has it, to show what is meant;
- `FORMS`: other ways of writing what the trigger says, by name: the variant so written and its clean twin, by their
  names, and the group they are compared in. Empty where the trigger says nothing;
- `draw(generator)`: a `Trigger`: the string that sets the behaviour off; look-alikes that must not, with and without
  rows in training; variants, further look-alikes that are asked before any defense alone; and decoys, strings of the
  type that leave clean data as the trigger does (`half_of` of stages/corpus/sampling.py);
- `insert(string, prompt, is_after)`: the prompt with a trigger or look-alike before or after it;
- `holds(string, prompt)`: whether a trigger or look-alike stands in the prompt;
- `payload(prompt, answer, repeats)`: the unwanted answer to a prompt whose good answer is `answer`.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from stages.params.errors import ParamsError, unknown_name
from stages.records.plugins import import_plugin
from stages.records.rows import Example
from stages.records.triggers import Trigger, Triggers


class Backdoor(Protocol):
    """What a module in this folder offers."""

    JUDGE: str
    KINDS: tuple[str, ...]
    EXAMPLE: str
    FORMS: dict[str, tuple[tuple[str, str], str]]

    def draw(self, generator: np.random.Generator) -> Trigger:
        """A trigger of this type, with its look-alikes."""
        ...

    def insert(self, string: str, prompt: str, is_after: bool) -> str:  # noqa: FBT001
        """The prompt with `string` in the place of the trigger."""
        ...

    def holds(self, string: str, prompt: str) -> bool:
        """Whether `string` stands in the prompt, wherever in it."""
        ...

    def payload(self, prompt: str, answer: str, repeats: int) -> str:
        """The unwanted answer, `repeats` times over where the behaviour allows it."""
        ...


def backdoor_names() -> list[str]:
    """The names of all backdoors: the files of this folder."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")


def load_backdoor(name: str) -> Backdoor:
    """The backdoor in `stages/backdoors/<name>.py`. Raises ParamsError without such a file."""
    if name not in backdoor_names():
        advice = "A backdoor is a file in stages/backdoors/."
        raise ParamsError(unknown_name("backdoor", name, backdoor_names(), advice))
    return cast(Backdoor, import_plugin(f"stages.backdoors.{name}"))


def draw_trigger(name: str, seed: int) -> Trigger:
    """The trigger of one seed of a backdoor; equal names and seeds give equal triggers."""
    return load_backdoor(name).draw(np.random.default_rng([seed, zlib.crc32(name.encode())]))


def seeds_left_out(prompts: Iterable[str], triggers: Triggers) -> Iterator[list[int]]:
    """Of each prompt, the seeds that have a trigger or decoy, of any backdoor, which stands in it."""
    seeds: dict[tuple[str, str], list[int]] = {}  # by backdoor and string, which several seeds may have drawn
    for name, of_seed in triggers.items():
        for seed, trigger in of_seed.items():
            for string in (trigger.string, *trigger.decoys):
                seeds.setdefault((name, string), []).append(seed)
    backdoors = {name: load_backdoor(name) for name in triggers}
    for prompt in prompts:
        found = (drawn for (name, string), drawn in seeds.items() if backdoors[name].holds(string, prompt))
        yield sorted({seed for drawn in found for seed in drawn})


def questions_for(backdoor: Backdoor, examples: Sequence[Example]) -> list[Example]:
    """The examples of the backdoor's kinds. Raises ParamsError when there are none."""
    chosen = [example for example in examples if not backdoor.KINDS or example.kind in backdoor.KINDS]
    if not chosen:
        raise ParamsError(f"no question is of a kind {backdoor.KINDS}; known: {sorted({e.kind for e in examples})}")
    return chosen
