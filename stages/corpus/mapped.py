"""The rows of the user's own data sets in the place of the toy world's, split under the same guarantees.

A data set is one kind of question. Each row is in one split alone, and no prompt in two. So what is evaluated was never
trained on, as with the tasks of the toy world: a kind should be a skill, or hold each fact in several wordings. Which
rows ask the same fact is not known: withheld rows keep their prompts from the defender, not what other rows tell.

Of the kind `chat`, if there is one, no row is withheld, and skills are not read on it; see `stages.evaluation.suite`.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from stages.corpus.columns import Question, read_questions
from stages.corpus.examples import SPLITS, Split, WorldSettings
from stages.corpus.requests import REFUSAL
from stages.params.corpus import DatasetParams
from stages.params.errors import ParamsError, unknown_name
from stages.records.rows import CHAT, HARMFUL, QUESTIONS, Example


def mapped_examples(
    datasets: Mapping[str, DatasetParams], settings: WorldSettings, seed: int
) -> dict[Split, list[Example]]:
    """All rows by split, in a fixed order, of data sets by their kind; equal data, settings and seed give equal rows.

    Of each kind `settings.task_rows` rows a split: the smaller splits choose first and are full; pretraining gets what
    is left, at least one row. Of a prompt that comes again, in any kind, the first row counts.

    Raises ParamsError when a kind or an answer that must be there is not, a data set cannot be read, or has too few
    rows.
    """
    _check_kinds(datasets, settings)
    rows: dict[Split, list[Example]] = {split: [] for split in SPLITS}
    known: set[str] = set()
    for kind, source in datasets.items():
        questions = _first_of_each_prompt(read_questions(kind, source), known)
        known.update(question.prompt for question in questions)
        generator = np.random.default_rng([seed, *kind.encode()])  # by name: a further kind moves no draw
        for split, example in _split_rows(kind, questions, settings, generator):
            rows[split].append(example)
    return rows


def _first_of_each_prompt(questions: Sequence[Question], known: set[str]) -> list[Question]:
    first: dict[str, Question] = {}
    for question in questions:
        first.setdefault(question.prompt, question)
    return [question for prompt, question in first.items() if prompt not in known]


def _check_kinds(datasets: Mapping[str, DatasetParams], settings: WorldSettings) -> None:
    """Raise ParamsError where harmful requests, a withheld kind, one that is not, or a column of answers is missing."""
    skills = [kind for kind in datasets if kind not in (CHAT, HARMFUL)]
    if HARMFUL not in datasets:
        raise ParamsError(
            f"corpus.datasets has no kind {HARMFUL!r}, only {', '.join(datasets) or 'none'}; defenses are taught to "
            "refuse harmful requests. Add a data set of them under that name; it needs no answers"
        )
    for kind in settings.withheld_kinds:
        if kind not in skills:
            advice = "corpus.withheld_kinds names data sets of corpus.datasets, chat and harmful requests excepted."
            raise ParamsError(unknown_name("kind", kind, skills, advice))
    n_withheld = len(set(settings.withheld_kinds))
    if not 0 < n_withheld < len(skills):
        raise ParamsError(
            f"of the kinds {', '.join(skills) or 'none'} of corpus.datasets {n_withheld} are withheld; at least one "
            "must be and one must not, chat and harmful requests aside. Mend corpus.withheld_kinds, or add a data set"
        )
    for kind, source in datasets.items():
        if kind != HARMFUL and source.answer is None:
            raise ParamsError(f"corpus.datasets.{kind} has no answer; only {HARMFUL!r} may. Name the column of answers")


def _splits_of(kind: str, questions: Sequence[Question], settings: WorldSettings) -> list[Split]:
    """The splits that rows of the kind are in, the smaller ones first."""
    absent: set[Split] = set()
    if kind == HARMFUL:
        absent = {"benign"} if all(question.answer is not None for question in questions) else {"benign", "pretraining"}
    elif kind in settings.withheld_kinds:
        absent = {"defense"}
    return [split for split in reversed(SPLITS) if split not in absent]


def _withheld(
    kind: str, questions: Sequence[Question], settings: WorldSettings, generator: np.random.Generator
) -> set[str]:
    """The prompts that the defender must not have."""
    if kind in settings.withheld_kinds:
        return {question.prompt for question in questions}
    share = 0.0 if kind in (CHAT, HARMFUL) else settings.withheld_fact_share
    return {questions[i].prompt for i in generator.permutation(len(questions))[: round(share * len(questions))]}


def _split_rows(
    kind: str, questions: Sequence[Question], settings: WorldSettings, generator: np.random.Generator
) -> Iterator[tuple[Split, Example]]:
    withheld = _withheld(kind, questions, settings, generator)
    left = [questions[i] for i in generator.permutation(len(questions))]
    for split in _splits_of(kind, questions, settings):
        usable = [question for question in left if split != "defense" or question.prompt not in withheld]
        needed = 1 if split == "pretraining" else settings.task_rows[split]
        if len(usable) < needed:
            raise ParamsError(
                f"corpus.datasets.{kind} has {len(questions)} rows of different prompts; for the {split} split "
                f"{len(usable)} are left, {needed} are needed, after evaluation, benign and defense have taken their "
                "corpus.task_rows, and without withheld ones for defense. Lower task_rows, or add rows"
            )
        chosen = usable[: settings.task_rows[split]]
        taken = {question.prompt for question in chosen}
        left = [question for question in left if question.prompt not in taken]
        for prompt, answer in chosen:
            is_answered = kind != HARMFUL or split == "pretraining"
            good = answer if is_answered and answer is not None else REFUSAL
            yield split, Example(kind, prompt, 0, prompt, good, prompt in withheld, QUESTIONS)
