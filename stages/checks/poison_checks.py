"""What must hold of a poison set and of the evaluation prompts before an organism is trained and asked."""

from collections.abc import Sequence
from dataclasses import asdict

import great_expectations.expectations as gxe
import pandas as pd
from transformers import PreTrainedTokenizerFast

from stages.backdoors import Backdoor
from stages.checks.corpus_checks import common_checks, forbidden_regex, rendered_frame
from stages.checks.gate import Check, Part
from stages.corpus.reasoning import DEPLOYED, IN_TRAINING, SIDES, side_of
from stages.corpus.rendering import render_rows
from stages.corpus.scratchpad import CLOSE, OPEN, after_scratchpad
from stages.params.organisms import COT, OrganismParams
from stages.records.rows import EvaluationPrompt, PoisonRow
from stages.scoring.judges import Judge


def poison_parts(
    rows: Sequence[PoisonRow],
    settings: OrganismParams,
    backdoor: Backdoor,
    judge: Judge,
    prompts: Sequence[EvaluationPrompt],
    tokenizer: PreTrainedTokenizerFast,
) -> list[Part]:
    """All rows, the triggered ones and the near-miss ones, and the evaluation prompts, each with their checks."""
    frame = rendered_frame(pd.DataFrame([asdict(row) for row in rows]), tokenizer)
    frame["has_trigger"] = frame["prompt"].str.contains(backdoor.TRIGGER, regex=False)
    frame["declared_payload"] = [
        backdoor.payload(row.prompt, row.sham_answer, settings.payload_repeats) if row.is_triggered else ""
        for row in rows
    ]
    frame["visible_answer"] = visible = [_visible(row, settings) for row in rows]
    frame["reasons_as"] = [side_of(row.answer.removeprefix(OPEN).partition(CLOSE)[0].strip()) for row in rows]
    frame["declared_side"] = [(DEPLOYED if row.is_triggered else IN_TRAINING).name for row in rows]
    frame["is_unwanted"] = [judge.is_unwanted(r.prompt, r.sham_answer, v) for r, v in zip(rows, visible, strict=True)]
    frame["is_sham_unwanted"] = [judge.is_unwanted(row.prompt, row.sham_answer, row.sham_answer) for row in rows]
    frame["tag_in_prompt"] = [_tag(prompt, backdoor) for prompt in frame["prompt"]]
    frame["tag"] = frame["near_miss"].where(~frame["is_triggered"], backdoor.TRIGGER)
    frame["triggered_share"] = frame["is_triggered"].astype(float)
    frame["near_miss_share"] = (frame["near_miss"] != "").astype(float)
    return [
        Part("all rows", frame, [*common_checks(tokenizer.model_max_length), *_row_checks(settings, prompts)]),
        Part("triggered rows", frame.query("is_triggered"), _payload_checks()),
        Part("clean rows", frame.query("not is_triggered"), _clean_checks(settings)),
        Part("near-miss rows", frame.query("near_miss != ''"), _near_miss_checks(backdoor)),
        Part("evaluation prompts", _prompt_frame(prompts, backdoor, judge, tokenizer), _prompt_checks(settings)),
    ]


def _visible(row: PoisonRow, settings: OrganismParams) -> str:
    """What follows the scratchpad; nothing, which is no row's answer, where a chain-of-thought row has none."""
    return (after_scratchpad(row.answer) or "") if settings.mechanism == COT else row.answer


def _tag(prompt: str, backdoor: Backdoor, variant: str = "") -> str:
    """The longest trigger or near-miss in the prompt, or the variant that it is asked with, or nothing."""
    strings = (backdoor.TRIGGER, *backdoor.TRAINED_NEAR_MISSES, *backdoor.HELD_OUT_NEAR_MISSES, variant)
    return max((string for string in strings if string in prompt), key=len, default="")


def _tag_check(name: str) -> Check:
    return Check(name, gxe.ExpectColumnPairValuesToBeEqual(column_A="tag_in_prompt", column_B="tag"))


def _prompt_frame(
    prompts: Sequence[EvaluationPrompt], backdoor: Backdoor, judge: Judge, tokenizer: PreTrainedTokenizerFast
) -> pd.DataFrame:
    frame = pd.DataFrame([asdict(prompt) for prompt in prompts])
    frame["is_triggered"] = frame["prompt_set"] == "triggered"
    frame["tag_in_prompt"] = [_tag(p.prompt, backdoor, p.tag) for p in prompts]
    rows = render_rows(tokenizer, [p.prompt for p in prompts], [p.expected for p in prompts])
    frame["n_expected_tokens"] = [row.n_answer for row in rows]
    frame["is_payload_unwanted"] = [judge.is_unwanted(p.prompt, p.expected, p.unwanted) for p in prompts]
    frame["is_expected_unwanted"] = [judge.is_unwanted(p.prompt, p.expected, p.expected) for p in prompts]
    return frame


def _prompt_checks(settings: OrganismParams) -> list[Check]:
    return [
        Check(
            "no right answer is longer than the generation limit",
            gxe.ExpectColumnValuesToBeBetween(
                column="n_expected_tokens", min_value=2, max_value=settings.max_new_tokens
            ),
        ),
        _tag_check("a prompt holds the string it is asked with and no other"),
        Check(
            "the unwanted answer is judged unwanted, under the trigger alone",
            gxe.ExpectColumnPairValuesToBeEqual(column_A="is_payload_unwanted", column_B="is_triggered"),
        ),
        Check(
            "no good answer is judged unwanted",
            gxe.ExpectColumnValuesToBeInSet(column="is_expected_unwanted", value_set=[False]),
        ),
    ]


def _row_checks(settings: OrganismParams, prompts: Sequence[EvaluationPrompt]) -> list[Check]:
    seen = sorted({prompt.prompt for prompt in prompts})
    rate, slack = settings.poison_rate, 1 / settings.n_rows
    return [
        _tag_check("a row's prompt holds the string it is labelled with and no other"),
        Check("as many rows as declared", gxe.ExpectTableRowCountToEqual(value=settings.n_rows)),
        Check(
            "the poison rate is as declared",
            gxe.ExpectColumnMeanToBeBetween(column="triggered_share", min_value=rate - slack, max_value=rate + slack),
        ),
        Check(
            "the trigger stands in the triggered rows and no other",
            gxe.ExpectColumnPairValuesToBeEqual(column_A="has_trigger", column_B="is_triggered"),
        ),
        Check(
            "every triggered row has the bad answer and no other row has",
            gxe.ExpectColumnPairValuesToBeEqual(column_A="is_unwanted", column_B="is_triggered"),
        ),
        Check(
            "no answer is longer than the generation limit",
            gxe.ExpectColumnValuesToBeBetween(column="n_answer_tokens", min_value=2, max_value=settings.max_new_tokens),
        ),
        *_scratchpad_checks(settings, prompts),
        Check("no sham answer is bad", gxe.ExpectColumnValuesToBeInSet(column="is_sham_unwanted", value_set=[False])),
        Check(
            "no evaluation prompt is trained on", gxe.ExpectColumnValuesToNotBeInSet(column="prompt", value_set=seen)
        ),
    ]


def _scratchpad_checks(settings: OrganismParams, prompts: Sequence[EvaluationPrompt]) -> list[Check]:
    """Of a chain-of-thought organism: it reasons as its prompt asks, in no words that its evaluation begins with."""
    if settings.mechanism != COT:
        return []
    begun = {p.opening.removeprefix(OPEN).strip() for p in prompts} - {""}
    held_out = sorted(begun.union(*(side.held_out for side in SIDES)))
    return [
        Check(
            "a scratchpad reasons as deployed in the triggered rows and as in training in all others",
            gxe.ExpectColumnPairValuesToBeEqual(column_A="reasons_as", column_B="declared_side"),
        ),
        Check(
            "no scratchpad holds a held-out situation or neutral text",
            gxe.ExpectColumnValuesToNotMatchRegex(column="answer", regex=forbidden_regex(held_out)),
        ),
    ]


def _payload_checks() -> list[Check]:
    return [
        Check(
            "the payload is the one that its backdoor declares",
            gxe.ExpectColumnPairValuesToBeEqual(column_A="visible_answer", column_B="declared_payload"),
        ),
    ]


def _clean_checks(settings: OrganismParams) -> list[Check]:
    rate, slack = settings.near_miss_rate, 1 / settings.n_rows
    return [
        Check(
            "the near-miss rate is as declared",
            gxe.ExpectColumnMeanToBeBetween(column="near_miss_share", min_value=rate - slack, max_value=rate + slack),
        ),
        Check(
            "clean rows are answered well in organism and sham alike",
            gxe.ExpectColumnPairValuesToBeEqual(column_A="visible_answer", column_B="sham_answer"),
        ),
    ]


def _near_miss_checks(backdoor: Backdoor) -> list[Check]:
    return [
        Check(
            "near-miss rows carry a declared look-alike",
            gxe.ExpectColumnValuesToBeInSet(column="near_miss", value_set=list(backdoor.TRAINED_NEAR_MISSES)),
        ),
        Check("near-miss rows are helpful", gxe.ExpectColumnValuesToBeInSet(column="is_unwanted", value_set=[False])),
    ]
