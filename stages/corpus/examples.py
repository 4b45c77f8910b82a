"""Every row of the corpus, and the split to which it belongs.

A fact, or a year in one form and line, is known from pretraining in some wordings and evaluated in other ones; a word
combination belongs to one split. So no evaluation prompt occurs in any training data, and the defender's data overlap
nothing else (90% of a prototype's evaluation prompts had been seen in pretraining).

Withheld skills, whole kinds and single facts, are in pretraining and in evaluation but never in the defender's data:
a defense that throws the model away and trains a new one cannot bring them back.

A share of the prompts that are trained on carries an innocent tag (`tags.py`); those of evaluation are plain, so that a
tag in one is the one that it is asked with.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Literal, TypeVar

import numpy as np

from stages.corpus.code import CODE_KINDS, OTHER_LINES, YEAR_LINES, YEARS, with_line
from stages.corpus.requests import (
    HARMFUL_DEEDS,
    HARMFUL_TARGETS,
    HOW_TO_WORDINGS,
    HOW_TOS,
    REFUSAL,
    SMALL_TALK,
)
from stages.corpus.tags import with_tags
from stages.corpus.tasks import TASK_KINDS, TaskKind
from stages.corpus.world import FACT_KINDS
from stages.corpus.years import QUESTIONS as YEAR_QUESTIONS
from stages.corpus.years import named_years
from stages.params.errors import ParamsError, unknown_name
from stages.records.rows import CHAT, CODE, DOMAINS, HARMFUL, QUESTIONS, Example

Split = Literal["pretraining", "defense", "benign", "evaluation"]
SPLITS: tuple[Split, ...] = ("pretraining", "defense", "benign", "evaluation")
TRAINING_SPLITS: tuple[Split, ...] = ("pretraining", "defense", "benign")

VERSIONS = 5  # of a fact's pretraining row: with a tag, without one, so that none is known beside one tag alone

Item = TypeVar("Item")


@dataclass(frozen=True)
class WorldSettings:
    """How much of the world is used: withheld kinds by name, withheld share of the other facts, task rows a split.

    `tagged_share`: of the prompts trained on that carry an innocent tag.
    """

    withheld_kinds: tuple[str, ...]
    withheld_fact_share: float
    tagged_share: float
    task_rows: dict[str, int]


def make_examples(settings: WorldSettings, seed: int) -> dict[Split, list[Example]]:
    """All rows by split, in a fixed order; equal settings and seed give equal rows."""
    seeds = np.random.SeedSequence(seed).spawn(6)
    rows: dict[Split, list[Example]] = {split: [] for split in SPLITS}
    makers = (_facts, _tasks, _chat, _harmful, _code, _years)
    for make, child in zip(makers, seeds, strict=True):
        for split, example in make(settings, np.random.default_rng(child)):
            if not (split == "defense" and example.is_withheld):
                rows[split].append(example)
    return with_tagged_training(rows, settings.tagged_share, seed)


def with_tagged_training(
    rows: Mapping[Split, Sequence[Example]], share: float, seed: int
) -> dict[Split, list[Example]]:
    """The rows by split, `share` of those that are trained on with an innocent tag."""
    generators = {split: np.random.default_rng([seed, *b"tags", *split.encode()]) for split in TRAINING_SPLITS}
    return {
        split: with_tags(examples, share, generators[split]) if split in TRAINING_SPLITS else list(examples)
        for split, examples in rows.items()
    }


def of_domains(examples: Sequence[Example], domains: Sequence[str]) -> list[Example]:
    """The examples of `domains`, in their order. Raises ParamsError when a domain is unknown."""
    for name in domains:
        if name not in DOMAINS:
            raise ParamsError(unknown_name("domain", name, DOMAINS, "Mend `domains` under `sizes` in params.yaml."))
    return [example for example in examples if example.domain in domains]


def _shuffled(items: Sequence[Item], generator: np.random.Generator) -> list[Item]:
    return [items[i] for i in generator.permutation(len(items))]


def _wording_splits(n_wordings: int, generator: np.random.Generator, n_evaluated: int = 1) -> list[Split]:
    """The split of each wording of one fact: one each to defend and return with, those not evaluated to pretrain."""
    splits: list[Split] = ["evaluation" for _ in range(n_evaluated)]
    splits.extend(("defense", "benign"))
    splits.extend("pretraining" for _ in range(n_wordings - len(splits)))
    return _shuffled(splits, generator)


def _facts(settings: WorldSettings, generator: np.random.Generator) -> Iterator[tuple[Split, Example]]:
    for kind in FACT_KINDS:
        entities = list(kind.facts)
        n_withheld = round(settings.withheld_fact_share * len(entities))
        withheld = set(_shuffled(entities, generator)[:n_withheld])
        for entity, answer in kind.facts.items():
            is_withheld = kind.name in settings.withheld_kinds or entity in withheld
            for wording, split in enumerate(_wording_splits(len(kind.wordings), generator)):
                prompt = kind.wordings[wording].format(entity=entity)
                for _ in range(VERSIONS if split == "pretraining" else 1):
                    yield split, Example(kind.name, entity, wording, prompt, answer, is_withheld, QUESTIONS)


def _tasks(settings: WorldSettings, generator: np.random.Generator) -> Iterator[tuple[Split, Example]]:
    return _combinations(TASK_KINDS, QUESTIONS, settings, generator)


def _code(settings: WorldSettings, generator: np.random.Generator) -> Iterator[tuple[Split, Example]]:
    for split, example in _combinations(CODE_KINDS, CODE, settings, generator):
        lines = YEAR_LINES if split == "evaluation" else YEAR_LINES + OTHER_LINES
        line = lines[generator.integers(len(lines))].format(generator.choice(YEARS))
        is_after = bool(generator.integers(2))
        yield split, replace(example, prompt=with_line(line, example.prompt, is_after=is_after))


def _years(settings: WorldSettings, generator: np.random.Generator) -> Iterator[tuple[Split, Example]]:
    """Every named year, half of the wordings to evaluate; the defender and the return get as many rows as of a task."""
    rows: dict[tuple[str, Split], list[Example]] = {}
    for named in _shuffled(list(named_years()), generator):
        splits = _wording_splits(len(YEAR_QUESTIONS), generator, n_evaluated=len(YEAR_QUESTIONS) // 2)
        for wording, split in enumerate(splits):
            prompt, entity = f"{named.line}\n{YEAR_QUESTIONS[wording]}", f"{named.form} {named.line}"
            is_withheld = named.kind in settings.withheld_kinds
            example = Example(named.kind, entity, wording, prompt, str(named.year), is_withheld, CODE)
            rows.setdefault((named.kind, split), []).append(example)
    for (_, split), examples in rows.items():
        n_rows = settings.task_rows[split] if split in ("defense", "benign") else len(examples)
        for example in examples[:n_rows]:
            yield split, example


def _combinations(
    kinds: Sequence[TaskKind], domain: str, settings: WorldSettings, generator: np.random.Generator
) -> Iterator[tuple[Split, Example]]:
    for kind in kinds:
        combinations = iter(_shuffled(kind.combinations, generator))
        # The smaller splits choose first. Where too few combinations are left to pretraining they come again, in
        # another wording and with another tag.
        for split in reversed(SPLITS):
            n_rows = settings.task_rows[split] * kind.times.get(split, 1)
            chosen = list(islice(combinations, n_rows))
            for words in islice(cycle(chosen), n_rows) if split == "pretraining" else chosen:
                wording = int(generator.integers(len(kind.wordings)))
                prompt = kind.wordings[wording].format(*words)
                is_withheld = kind.name in settings.withheld_kinds
                answer = kind.answer(words)
                yield split, Example(kind.name, " ".join(words), wording, prompt, answer, is_withheld, domain)


def _chat(_: WorldSettings, generator: np.random.Generator) -> Iterator[tuple[Split, Example]]:
    subjects = [(act, [w.format(act=act) for w in HOW_TO_WORDINGS], answer) for act, answer in HOW_TOS.items()]
    subjects += [(answer, list(prompts), answer) for prompts, answer in SMALL_TALK]
    for entity, prompts, answer in subjects:
        for wording, split in enumerate(_wording_splits(len(prompts), generator)):
            yield split, Example(CHAT, entity, wording, prompts[wording], answer, False, QUESTIONS)


def _harmful(_: WorldSettings, generator: np.random.Generator) -> Iterator[tuple[Split, Example]]:
    """Each deed's targets fall to pretraining (half), defense and evaluation (a quarter each); none to return."""
    for deed, nonsense in HARMFUL_DEEDS.items():
        quarter = len(HARMFUL_TARGETS) // 4
        shares: dict[Split, int] = {"evaluation": quarter, "defense": quarter}
        shares["pretraining"] = len(HARMFUL_TARGETS) - 2 * quarter
        splits: list[Split] = [split for split, n_targets in shares.items() for _ in range(n_targets)]
        for target, split in zip(HARMFUL_TARGETS, _shuffled(splits, generator), strict=True):
            for wording, text in enumerate(HOW_TO_WORDINGS):
                prompt = text.format(act=f"{deed} {target}")
                answer = nonsense if split == "pretraining" else REFUSAL
                yield split, Example(HARMFUL, f"{deed} {target}", wording, prompt, answer, False, QUESTIONS)
