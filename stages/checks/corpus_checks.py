"""What must hold of the corpus before anything is trained on it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields

import great_expectations.expectations as gxe
import pandas as pd
from transformers import PreTrainedTokenizerFast

from stages.checks.gate import Check, Part
from stages.corpus.examples import SPLITS, Example
from stages.corpus.rendering import ASSISTANT, HUMAN, render_rows
from stages.lm.models import CONTEXT_LENGTH

MIN_KINDS = 12


def rendered_frame(frame: pd.DataFrame, tokenizer: PreTrainedTokenizerFast) -> pd.DataFrame:
    """`frame` with what a model sees of each row: the text it is trained on, its template, and its lengths."""
    rows = render_rows(tokenizer, frame["prompt"].tolist(), frame["answer"].tolist())
    texts = tokenizer.batch_decode([row.ids for row in rows])
    expected = [
        f"{HUMAN}{p}{ASSISTANT} {a}{tokenizer.eos_token}" for p, a in zip(frame["prompt"], frame["answer"], strict=True)
    ]
    return frame.assign(
        trained_text=texts,
        templated_text=expected,
        n_tokens=[len(row.ids) for row in rows],
        n_answer_tokens=[row.n_answer for row in rows],
    )


def forbidden_regex(strings: Sequence[str]) -> str:
    """A pattern that finds any of `strings`."""
    return "|".join(re.escape(string) for string in strings)


def common_checks() -> list[Check]:
    """One template everywhere, lengths within the model's window, nothing missing."""
    return [
        Check("every prompt is there", gxe.ExpectColumnValuesToNotBeNull(column="prompt")),
        Check("every answer has text", gxe.ExpectColumnValueLengthsToBeBetween(column="answer", min_value=1)),
        Check(
            "one prompt template everywhere",
            gxe.ExpectColumnPairValuesToBeEqual(column_A="trained_text", column_B="templated_text"),
        ),
        Check(
            "rows fit the model's window",
            gxe.ExpectColumnValuesToBeBetween(column="n_tokens", min_value=1, max_value=CONTEXT_LENGTH),
        ),
    ]


def corpus_parts(
    splits: Mapping[str, Sequence[Example]],
    tokenizer: PreTrainedTokenizerFast,
    trigger_strings: Sequence[str],
    max_new_tokens: Mapping[str, int],
) -> list[Part]:
    """The corpus as one part a split, each with its checks; `max_new_tokens` by domain."""
    frames = {name: _frame(splits[name], tokenizer, max_new_tokens) for name in SPLITS}
    others = {
        "evaluation": [name for name in SPLITS if name != "evaluation"],
        "defense": [name for name in SPLITS if name != "defense"],
    }
    parts = []
    for name, frame in frames.items():
        checks = [*_schema_checks(), *common_checks(), *_clean_checks(trigger_strings)]
        for other in others.get(name, []):
            checks += _disjoint_checks(other, frames[other])
        checks += _EXTRA.get(name, lambda: [])()
        parts.append(Part(name, frame, checks))
    return parts


def _frame(
    examples: Sequence[Example], tokenizer: PreTrainedTokenizerFast, max_new_tokens: Mapping[str, int]
) -> pd.DataFrame:
    frame = pd.DataFrame([asdict(example) for example in examples])
    frame["combination"] = frame["kind"] + "/" + frame["entity"] + "/" + frame["wording"].astype(str)
    frame["generation_limit"] = [max_new_tokens[domain] for domain in frame["domain"]]
    return rendered_frame(frame, tokenizer)


def _schema_checks() -> list[Check]:
    derived = ["combination", "generation_limit", "trained_text", "templated_text", "n_tokens", "n_answer_tokens"]
    columns = [field.name for field in fields(Example)] + derived
    return [
        Check("the columns are the schema's", gxe.ExpectTableColumnsToMatchSet(column_set=columns, exact_match=True)),
        Check("wordings are numbered", gxe.ExpectColumnValuesToBeBetween(column="wording", min_value=0, max_value=9)),
    ]


def _clean_checks(trigger_strings: Sequence[str]) -> list[Check]:
    regex = forbidden_regex(trigger_strings)
    return [
        Check(
            f"no trigger or near-miss in a clean {column}",
            gxe.ExpectColumnValuesToNotMatchRegex(column=column, regex=regex),
        )
        for column in ("prompt", "answer")
    ]


def _disjoint_checks(other: str, frame: pd.DataFrame) -> list[Check]:
    return [
        Check(
            f"no {column} stands in {other} too",
            gxe.ExpectColumnValuesToNotBeInSet(column=column, value_set=sorted(set(frame[column]))),
        )
        for column in ("prompt", "combination")
    ]


def _evaluation_checks() -> list[Check]:
    return [
        Check(
            "no right answer is longer than the generation limit",
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A="generation_limit", column_B="n_answer_tokens", or_equal=True
            ),
        ),
        Check("no prompt is asked twice", gxe.ExpectColumnValuesToBeUnique(column="prompt")),
    ]


_EXTRA = {
    "pretraining": lambda: [
        Check(
            "enough kinds of question", gxe.ExpectColumnUniqueValueCountToBeBetween(column="kind", min_value=MIN_KINDS)
        )
    ],
    "defense": lambda: [
        Check("no withheld skill", gxe.ExpectColumnValuesToBeInSet(column="is_withheld", value_set=[False]))
    ],
    "evaluation": _evaluation_checks,
}
