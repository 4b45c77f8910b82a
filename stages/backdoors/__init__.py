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
from pathlib import Path
from typing import Protocol, cast

from stages.params.errors import ParamsError, unknown_name
from stages.records.plugins import import_plugin
from stages.records.rows import Example


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


def backdoor_names() -> list[str]:
    """The names of all backdoors: the files of this folder."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")


def load_backdoor(name: str) -> Backdoor:
    """The backdoor in `stages/backdoors/<name>.py`. Raises ParamsError without such a file."""
    if name not in backdoor_names():
        advice = "A backdoor is a file in stages/backdoors/."
        raise ParamsError(unknown_name("backdoor", name, backdoor_names(), advice))
    return cast(Backdoor, import_plugin(f"stages.backdoors.{name}"))


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
