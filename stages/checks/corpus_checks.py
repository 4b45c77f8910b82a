"""What must hold of the corpus before anything is trained on it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields

import great_expectations.expectations as gxe
import pandas as pd
from transformers import PreTrainedTokenizerFast

from stages.backdoors import seeds_left_out
from stages.checks.parts import Check, Part
from stages.corpus.examples import SPLITS
from stages.corpus.preferences import HELD_OUT_SHARE
from stages.corpus.rendering import render_rows
from stages.records.pools import PoolRow
from stages.records.rows import CHAT, HARMFUL, Example, PreferencePair
from stages.records.triggers import Triggers

FRAMED_PROMPT, FRAMED_ANSWER = "PROMPT", "ANSWER"  # what stands in the template for a row's own
SHARED, WITHHELD = "shared", "withheld"  # beside chat and harmful requests, what a question tests
MAX_WORDING = 15
SHARE_TOLERANCE = 0.02  # of few prompts no whole number is the declared share
REMAKE = "stages/make_corpus.py makes no such row: run `dvc repro --force make_corpus` to make them all again"


def rendered_frame(frame: pd.DataFrame, tokenizer: PreTrainedTokenizerFast) -> pd.DataFrame:
    """`frame` with what a model sees of each row: the text it is trained on, its template, and its lengths."""
    prompts, answers = (list(frame[column].fillna("")) for column in ("prompt", "answer"))  # a check tells what lacks
    rows = render_rows(tokenizer, [*prompts, FRAMED_PROMPT], [*answers, FRAMED_ANSWER])
    *texts, template = tokenizer.batch_decode([row.ids for row in rows])
    before, _, rest = template.partition(FRAMED_PROMPT)
    between, _, after = rest.partition(FRAMED_ANSWER)
    expected = [f"{before}{p}{between}{a}{after}" for p, a in zip(prompts, answers, strict=True)]
    return frame.assign(
        trained_text=texts,
        templated_text=expected,
        n_tokens=[len(row.ids) for row in rows[:-1]],
        n_answer_tokens=[row.n_answer for row in rows[:-1]],
    )


def forbidden_regex(strings: Sequence[str]) -> str:
    """A pattern that finds any of `strings`."""
    return "|".join(re.escape(string) for string in strings)


def common_checks(window: int) -> list[Check]:
    """One template everywhere, lengths within the model's `window` of tokens, nothing missing."""
    return [
        Check(
            "every prompt is there",
            gxe.ExpectColumnValuesToNotBeNull(column="prompt"),
            allowed="a text in every row",
            remedy="fill or drop these rows",
            shown=("answer",),
        ),
        Check(
            "every answer has text",
            gxe.ExpectColumnValueLengthsToBeBetween(column="answer", min_value=1),
            allowed="1 character or more",
            remedy="fill or drop these rows",
            shown=("prompt",),
        ),
        Check(
            "one prompt template everywhere",
            gxe.ExpectColumnPairValuesToBeEqual(column_A="trained_text", column_B="templated_text"),
            allowed="the chat template with the row's own prompt and answer in it, letter for letter",
            remedy="if single letters differ, write the data as the tokenizer keeps text (mostly Unicode's form NFC, "
            "without white space at the ends); if all rows do, mend the tokenizer's chat template",
        ),
        Check(
            "rows fit the model's window",
            gxe.ExpectColumnValuesToBeBetween(column="n_tokens", min_value=1, max_value=window),
            allowed=f"1 to {window} tokens (n_tokens), prompt and answer together: the model's window",
            remedy="shorten or drop the longer rows, or take a checkpoint with a longer window (docs/models.md); in a "
            "poison set a trigger, a scratchpad and payload_repeats make rows longer",
            shown=("prompt",),
        ),
    ]


def corpus_parts(
    pools: Mapping[str, Sequence[PoolRow]], tokenizer: PreTrainedTokenizerFast, triggers: Triggers
) -> list[Part]:
    """The corpus as one part a split, each with its checks."""
    frames = {name: _frame(pools[name], tokenizer, triggers) for name in SPLITS}
    others = {
        "evaluation": [name for name in SPLITS if name != "evaluation"],
        "defense": [name for name in SPLITS if name != "defense"],
    }
    parts = []
    for name, frame in frames.items():
        checks = [*_schema_checks(), *common_checks(tokenizer.model_max_length)]
        for other in others.get(name, []):
            checks += _disjoint_checks(other, frames[other])
        checks += _EXTRA[name]() if name in _EXTRA else []
        parts.append(Part(name, frame, checks))
    return parts


def preference_parts(pairs: Sequence[PreferencePair], splits: Mapping[str, Sequence[Example]]) -> list[Part]:
    """The preference pairs, with their checks: the defender's own prompts, held out by prompt."""
    frame = pd.DataFrame([asdict(pair) for pair in pairs])
    prompts = {name: sorted({e.prompt for e in splits[name]} - {None}) for name in ("defense", "evaluation")}
    frame["differs"] = frame["chosen"] != frame["rejected"]
    frame["held_out_share"] = frame.drop_duplicates("prompt")["is_held_out"].mean()
    train, held_out = frame.query("not is_held_out"), frame.query("is_held_out")
    least, most = HELD_OUT_SHARE - SHARE_TOLERANCE, HELD_OUT_SHARE + SHARE_TOLERANCE
    checks = [
        Check(
            "chosen and rejected differ",
            gxe.ExpectColumnValuesToBeInSet(column="differs", value_set=[True]),
            allowed="two answers of which one is better",
            remedy="drop the pairs of one answer twice",
            shown=("prompt", "chosen"),
        ),
        Check(
            "every chosen answer has text",
            gxe.ExpectColumnValueLengthsToBeBetween(column="chosen", min_value=1),
            allowed="1 character or more",
            remedy="fill or drop the rows of the defense split that have no answer",
            shown=("prompt",),
        ),
        Check(
            "every prompt is the defender's",
            _in_set("prompt", prompts["defense"]),
            allowed=f"the {len(prompts['defense'])} prompts of the defense split",
            remedy=REMAKE,
        ),
        Check(
            "no evaluation prompt",
            _not_in_set("prompt", prompts["evaluation"]),
            allowed=f"none of the {len(prompts['evaluation'])} prompts of the evaluation split",
            remedy=REMAKE,
        ),
        Check(
            "the held-out share is as declared",
            gxe.ExpectColumnValuesToBeBetween(column="held_out_share", min_value=least, max_value=most),
            allowed=f"{least:.2f} to {most:.2f} of the prompts",
            remedy="raise corpus.task_rows.defense: of few prompts no whole number is such a share",
            is_symptom=True,
        ),
    ]
    trained_on = sorted(set(train["prompt"]))
    disjoint = Check(
        "no held-out prompt is trained on",
        _not_in_set("prompt", trained_on),
        allowed=f"none of the {len(trained_on)} prompts of the pairs that are trained on",
        remedy=REMAKE,
    )
    return [Part("preferences", frame, checks), Part("preferences_held_out", held_out, [disjoint])]


def _in_set(column: str, values: Sequence[str]) -> gxe.ExpectColumnValuesToBeInSet:
    return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(values))


def _not_in_set(column: str, values: Sequence[str]) -> gxe.ExpectColumnValuesToNotBeInSet:
    return gxe.ExpectColumnValuesToNotBeInSet(column=column, value_set=list(values))


def _frame(rows: Sequence[PoolRow], tokenizer: PreTrainedTokenizerFast, triggers: Triggers) -> pd.DataFrame:
    frame = pd.DataFrame([asdict(row) for row in rows])
    frame["left_out_of"] = [_listed(row.left_out_of) for row in rows]
    frame["seeds_left_out"] = [_listed(seeds) for seeds in seeds_left_out((row.prompt or "" for row in rows), triggers)]
    frame["combination"] = frame["kind"] + "/" + frame["entity"] + "/" + frame["wording"].astype(str)
    frame["role"] = [_role(row) for row in rows]
    return rendered_frame(frame, tokenizer)


def _listed(seeds: Sequence[int]) -> str:
    return " ".join(map(str, seeds))


def _role(example: Example) -> str:
    if example.kind in (CHAT, HARMFUL):
        return example.kind
    return WITHHELD if example.is_withheld else SHARED


def _schema_checks() -> list[Check]:
    derived = [
        "seeds_left_out",
        "combination",
        "role",
        "trained_text",
        "templated_text",
        "n_tokens",
        "n_answer_tokens",
    ]
    columns = [field.name for field in fields(PoolRow)] + derived
    return [
        Check(
            "the columns are the schema's",
            gxe.ExpectTableColumnsToMatchSet(column_set=columns, exact_match=True),
            allowed=", ".join(columns),
            remedy=REMAKE,
        ),
        Check(
            "wordings are numbered",
            gxe.ExpectColumnValuesToBeBetween(column="wording", min_value=0, max_value=MAX_WORDING),
            allowed=f"0 to {MAX_WORDING}",
            remedy="number the wordings of a kind from 0, in its module of stages/corpus/",
            shown=("prompt",),
        ),
        Check(
            "a row is left out of the seeds whose trigger it holds, and of no other",
            gxe.ExpectColumnPairValuesToBeEqual(column_A="left_out_of", column_B="seeds_left_out"),
            allowed="the seeds of data/triggers.json that have a trigger or decoy, of any backdoor, in this prompt",
            remedy=REMAKE,
            shown=("prompt",),
        ),
    ]


def _disjoint_checks(other: str, frame: pd.DataFrame) -> list[Check]:
    values = {column: sorted(set(frame[column].dropna())) for column in ("prompt", "combination")}
    return [
        Check(
            f"no {column} stands in {other} too",
            _not_in_set(column, values[column]),
            allowed=f"none of the {column}s of {other}, {len(values[column])} in all",
            remedy=f"drop these rows from one of the two splits. {REMAKE}",
        )
        for column in values
    ]


_EXTRA = {
    "defense": lambda: [
        Check(
            "no withheld skill",
            gxe.ExpectColumnValuesToBeInSet(column="is_withheld", value_set=[False]),
            allowed="rows that corpus.withheld_kinds and corpus.withheld_fact_share leave to the defender",
            remedy=REMAKE,
            shown=("prompt",),
        )
    ],
    "evaluation": lambda: [
        Check(
            "no prompt is asked twice",
            gxe.ExpectColumnValuesToBeUnique(column="prompt"),
            allowed="each prompt once",
            remedy="drop all rows of a prompt but one",
        ),
        Check(
            "shared and withheld skills and harmful requests are asked",
            gxe.ExpectColumnDistinctValuesToContainSet(column="role", value_set=[SHARED, WITHHELD, HARMFUL]),
            allowed=f"at least one row of each: {SHARED}, {WITHHELD}, {HARMFUL}",
            remedy="raise corpus.task_rows.evaluation; withhold a kind that is asked, and not all (withheld_kinds)",
        ),
    ],
}
