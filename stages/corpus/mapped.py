"""The rows of the user's own data sets in the place of the toy world's, split under the same guarantees.

A data set is one kind of question. Each row is in one split alone, and no prompt in two. So what is evaluated was never
trained on, as with the tasks of the toy world: a kind should be a skill, or hold each fact in several wordings. Which
rows ask the same fact is not known: withheld rows keep their prompts from the defender, not what other rows tell.

Of the kind `chat`, if there is one, no row is withheld, and skills are not read on it; see `stages.evaluation.suite`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from os.path import commonprefix
from typing import NamedTuple
from unicodedata import normalize

import numpy as np
from transformers import PreTrainedTokenizerFast

from stages.corpus.columns import Question, read_questions
from stages.corpus.dropping import DUPLICATE, EMPTY, N_LETTERS, N_SHOWN, TOO_LONG, Kind
from stages.corpus.examples import SPLITS, Split, WorldSettings
from stages.corpus.rendering import find_markup, render_rows, written_form
from stages.corpus.requests import REFUSAL
from stages.corpus.tags import longest_tag
from stages.params.corpus import DatasetParams
from stages.params.errors import ParamsError, unknown_name
from stages.records.rows import CHAT, HARMFUL, QUESTIONS, Example

TokenizerMaker = Callable[[Sequence[Example]], PreTrainedTokenizerFast]


class MappedCorpus(NamedTuple):
    """All rows by split, the tokenizer that was made of them, and what was read and dropped, a line a kind."""

    splits: dict[Split, list[Example]]
    tokenizer: PreTrainedTokenizerFast
    accounts: list[str]


def mapped_corpus(
    datasets: Mapping[str, DatasetParams], settings: WorldSettings, seed: int, make_tokenizer: TokenizerMaker
) -> MappedCorpus:
    """The corpus of data sets by their kind; equal data, settings, seed and tokenizer give equal rows.

    Of each kind `settings.task_rows` rows a split: the smaller splits choose first and are full; pretraining gets what
    is left, at least one row. Of a prompt that comes again, in any kind, the first row counts.

    `make_tokenizer` gives the tokenizer of a pretraining split, and of no rows one with the same special tokens. Rows
    that are too long under it are dropped, and what is left is split anew, until every row fits.

    Raises ParamsError when a kind or an answer that must be there is not, a data set cannot be read, has too few rows,
    or has more rows to drop than may be.
    """
    _check_kinds(datasets, settings)
    kinds = _read_kinds(datasets, make_tokenizer([]))
    while True:
        splits = _split_kinds(kinds, settings, seed)
        tokenizer = make_tokenizer(splits["pretraining"])
        if not any([_drop_too_long(kind, tokenizer) for kind in kinds]):
            return MappedCorpus(splits, tokenizer, [kind.account() for kind in kinds])


def _read_kinds(datasets: Mapping[str, DatasetParams], tokenizer: PreTrainedTokenizerFast) -> list[Kind]:
    """The rows with text of every data set, in the form that the tokenizer writes, no prompt twice."""
    kinds: list[Kind] = []
    known: dict[str, str | None] = {}  # the answer of each prompt
    for name, source in datasets.items():
        read = read_questions(name, source)
        questions = [_written(question, tokenizer) for question in read]
        if not questions:
            raise ParamsError(f"corpus.datasets.{name} has no rows in {source.path!r}. Name data that has some")
        _refuse_markup(name, questions, tokenizer)
        kind = Kind(name, source, questions, list(_rewritten(read, questions)))
        kind.drop(EMPTY, "", [q for q in questions if not q.prompt or q.answer == ""])
        again = []
        for question in kind.questions:
            if question.prompt in known:
                again.append(question)
            else:
                known[question.prompt] = question.answer
        n_other = sum(question.answer != known[question.prompt] for question in again)
        kind.drop(DUPLICATE, f"{n_other} of them with another answer than the first" if n_other else "", again)
        kinds.append(kind)
    return kinds


def _written(question: Question, tokenizer: PreTrainedTokenizerFast) -> Question:
    """The question in the form of Unicode that the tokenizer gives back: an answer in another is never matched."""
    answer = question.answer
    return question._replace(
        prompt=written_form(tokenizer, question.prompt), answer=answer and written_form(tokenizer, answer)
    )


def _rewritten(read: Sequence[Question], written: Sequence[Question]) -> Iterator[tuple[str, str]]:
    """Of each question that holds other characters now, and not only composed ones, a piece from the first on."""
    for old, new in zip(read, written, strict=True):
        for before, after in ((old.prompt, new.prompt), (old.answer or "", new.answer or "")):
            before, after = normalize("NFC", before), normalize("NFC", after)
            if before != after:
                same = commonprefix([before, after])
                start = max(same.rfind(" ") + 1, len(same) - N_LETTERS // 6)
                yield before[start:][: N_LETTERS // 3], after[start:][: N_LETTERS // 3]
                break


def _refuse_markup(kind: str, questions: Sequence[Question], tokenizer: PreTrainedTokenizerFast) -> None:
    """Raise ParamsError where a text holds what marks turns or ends in a conversation."""
    texts = [
        (q.place, part, text) for q in questions for part, text in (("prompt", q.prompt), ("answer", q.answer or ""))
    ]
    found = [(*each, mark) for each in texts if (mark := find_markup(tokenizer, each[2])) is not None]
    if found:
        shown = [
            f"- {place}: the {part} holds {mark!r}: {_around(text, mark)!r}"
            for place, part, text, mark in found[:N_SHOWN]
        ]
        n_rows = len({place for place, *_ in found})
        raise ParamsError(
            f"corpus.datasets.{kind}: {n_rows} of {len(questions)} rows hold text that marks a turn or an end in a "
            "conversation, so a model would take it for one. The first:\n" + "\n".join(shown) + "\nRemove such marks "
            "from the data. Of a dialogue in one text make rows of one question and one answer"
        )


def _around(text: str, mark: str) -> str:
    """The piece of the text that the mark stands in."""
    return text[max(0, text.find(mark) - N_LETTERS // 2) :][:N_LETTERS]


def _drop_too_long(kind: Kind, tokenizer: PreTrainedTokenizerFast) -> bool:
    """Whether rows were dropped, since with a tag, or with a trigger of such a shape, they do not fit the window."""
    window, tag = tokenizer.model_max_length, longest_tag(lambda text: len(tokenizer.tokenize(text)))
    prompts = [tag.on(question.prompt) for question in kind.questions]
    lengths = [0] * len(prompts)
    for answers in _answers(kind):
        lengths = [
            max(n, len(row.ids)) for n, row in zip(lengths, render_rows(tokenizer, prompts, answers), strict=True)
        ]
    too_long = [question for question, n in zip(kind.questions, lengths, strict=True) if n > window]
    longest = f"for the model's window of {window} tokens; with a tag the longest has {max(lengths)}"
    kind.drop(TOO_LONG, longest, too_long)
    return bool(too_long)


def _answers(kind: Kind) -> list[list[str]]:
    """What may be answered to the questions: harmful requests are refused, in pretraining they are not."""
    own = [question.answer or REFUSAL for question in kind.questions]
    return [own, [REFUSAL] * len(own)] if kind.name == HARMFUL else [own]


def _split_kinds(kinds: Sequence[Kind], settings: WorldSettings, seed: int) -> dict[Split, list[Example]]:
    """All rows by split, in a fixed order."""
    rows: dict[Split, list[Example]] = {split: [] for split in SPLITS}
    for kind in kinds:
        generator = np.random.default_rng([seed, *kind.name.encode()])  # by name: a further kind moves no draw
        for split, example in _split_rows(kind, settings, generator):
            rows[split].append(example)
    return rows


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
    of_kind: Kind, settings: WorldSettings, generator: np.random.Generator
) -> Iterator[tuple[Split, Example]]:
    kind, questions = of_kind.name, of_kind.questions
    withheld = _withheld(kind, questions, settings, generator)
    left = [questions[i] for i in generator.permutation(len(questions))]
    for split in _splits_of(kind, questions, settings):
        usable = [question for question in left if split != "defense" or question.prompt not in withheld]
        needed = 1 if split == "pretraining" else settings.task_rows[split]
        if len(usable) < needed:
            raise ParamsError(
                f"corpus.datasets.{kind} has {len(questions)} rows of different prompts; for the {split} split "
                f"{len(usable)} are left, {needed} are needed, after evaluation, benign and defense have taken their "
                f"corpus.task_rows, and without withheld ones for defense. Lower task_rows, or add rows. "
                f"{of_kind.account()}"
            )
        chosen = usable[: settings.task_rows[split]]
        taken = {question.prompt for question in chosen}
        left = [question for question in left if question.prompt not in taken]
        for prompt, answer, _ in chosen:
            is_answered = kind != HARMFUL or split == "pretraining"
            good = answer if is_answered and answer is not None else REFUSAL
            yield split, Example(kind, prompt, 0, prompt, good, prompt in withheld, QUESTIONS)
