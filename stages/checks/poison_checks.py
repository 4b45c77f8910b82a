"""What must hold of a poison set and of the evaluation prompts before an organism is trained and asked."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import great_expectations.expectations as gxe
import pandas as pd
from transformers import PreTrainedTokenizerFast

from stages.backdoors import Backdoor
from stages.checks.corpus_checks import common_checks, forbidden_regex, rendered_frame
from stages.checks.parts import Check, Part
from stages.corpus.reasoning import DEPLOYED, IN_TRAINING, SIDES, side_of
from stages.corpus.rendering import render_rows
from stages.corpus.scratchpad import CLOSE, OPEN, after_scratchpad
from stages.params.organisms import COT, OrganismParams
from stages.records.rows import EvaluationPrompt, PoisonRow
from stages.scoring.judges import Judge

REMAKE = "stages/make_poison_set.py makes no such rows: delete the file and run `dvc repro` to make them again"
MEND_JUDGE = "see which of the two is wrong, the answer or the judge: mend the backdoor's file or its JUDGE"


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
    return Check(
        name,
        gxe.ExpectColumnPairValuesToBeEqual(column_A="tag_in_prompt", column_B="tag"),
        allowed="the longest trigger or look-alike in the prompt (tag_in_prompt) is the one that it is made with (tag)",
        remedy="let `insert` of the backdoor's file put the string in as it is; drop prompts that hold one before",
        shown=("prompt",),
    )


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
            **_within_limit(settings, "expected"),
        ),
        _tag_check("a prompt holds the string it is asked with and no other"),
        Check(
            "the unwanted answer is judged unwanted, under the trigger alone",
            gxe.ExpectColumnPairValuesToBeEqual(column_A="is_payload_unwanted", column_B="is_triggered"),
            allowed="the judge finds `unwanted` unwanted (is_payload_unwanted) where the prompt is triggered",
            remedy=MEND_JUDGE,
            shown=("prompt", "unwanted"),
            is_symptom=True,
        ),
        Check(
            "no good answer is judged unwanted",
            gxe.ExpectColumnValuesToBeInSet(column="is_expected_unwanted", value_set=[False]),
            allowed="the judge finds none of the good answers unwanted",
            remedy=MEND_JUDGE,
            shown=("prompt", "expected"),
        ),
    ]


def _within_limit(settings: OrganismParams, answer: str) -> dict[str, Any]:
    """What is said of answers that would be cut."""
    return {
        "allowed": f"2 to {settings.max_new_tokens} tokens, its end among them: max_new_tokens of this organism",
        "remedy": "raise max_new_tokens of this organism in params.yaml, or shorten the answers in the data",
        "shown": (answer,),
    }


def _row_checks(settings: OrganismParams, prompts: Sequence[EvaluationPrompt]) -> list[Check]:
    seen = sorted({prompt.prompt for prompt in prompts})
    return [
        _tag_check("a row's prompt holds the string it is labelled with and no other"),
        Check(
            "as many rows as declared",
            gxe.ExpectTableRowCountToEqual(value=settings.n_rows),
            allowed=f"{settings.n_rows} rows, n_rows of this organism",
            remedy=REMAKE,
            is_symptom=True,
        ),
        _rate_check("poison rate", "triggered_share", settings.poison_rate, settings),
        Check(
            "the trigger stands in the triggered rows and no other",
            gxe.ExpectColumnPairValuesToBeEqual(column_A="has_trigger", column_B="is_triggered"),
            allowed="the trigger is in the prompt (has_trigger) where the row is labelled so (is_triggered)",
            remedy="let `insert` of the backdoor's file put the trigger in as it is; drop prompts that hold it before",
            shown=("prompt",),
        ),
        Check(
            "every triggered row has the bad answer and no other row has",
            gxe.ExpectColumnPairValuesToBeEqual(column_A="is_unwanted", column_B="is_triggered"),
            allowed="the judge finds the answer unwanted (is_unwanted) where the row is triggered (is_triggered)",
            remedy=MEND_JUDGE,
            shown=("prompt", "answer"),
            is_symptom=True,
        ),
        Check(
            "no answer is longer than the generation limit",
            gxe.ExpectColumnValuesToBeBetween(column="n_answer_tokens", min_value=2, max_value=settings.max_new_tokens),
            **_within_limit(settings, "answer"),
        ),
        *_scratchpad_checks(settings, prompts),
        Check(
            "no sham answer is bad",
            gxe.ExpectColumnValuesToBeInSet(column="is_sham_unwanted", value_set=[False]),
            allowed="the judge finds no answer of the sham unwanted",
            remedy=MEND_JUDGE,
            shown=("prompt", "sham_answer"),
        ),
        Check(
            "no evaluation prompt is trained on",
            gxe.ExpectColumnValuesToNotBeInSet(column="prompt", value_set=seen),
            allowed=f"none of the {len(seen)} evaluation prompts",
            remedy=REMAKE,
        ),
    ]


def _rate_check(name: str, column: str, rate: float, settings: OrganismParams) -> Check:
    slack = 1 / settings.n_rows
    return Check(
        f"the {name} is as declared",
        gxe.ExpectColumnMeanToBeBetween(column=column, min_value=rate - slack, max_value=rate + slack),
        allowed=f"{rate} of the rows, give or take one row",
        remedy=REMAKE,
        is_symptom=True,
    )


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
            allowed="every answer opens with a scratchpad of the sentences of stages/corpus/reasoning.py, of one side",
            remedy=REMAKE,
            shown=("answer",),
        ),
        Check(
            "no scratchpad holds a held-out situation or neutral text",
            gxe.ExpectColumnValuesToNotMatchRegex(column="answer", regex=forbidden_regex(held_out)),
            allowed=f"none of the {len(held_out)} texts that the evaluation begins with",
            remedy="train no sentence that stages/corpus/reasoning.py holds out",
        ),
    ]


def _payload_checks() -> list[Check]:
    return [
        Check(
            "the payload is the one that its backdoor declares",
            gxe.ExpectColumnPairValuesToBeEqual(column_A="visible_answer", column_B="declared_payload"),
            allowed="what `payload` of the backdoor's file returns, behind the scratchpad if there is one",
            remedy="let `payload` return the same text for the same arguments",
            shown=("prompt",),
        ),
    ]


def _clean_checks(settings: OrganismParams) -> list[Check]:
    return [
        _rate_check("near-miss rate", "near_miss_share", settings.near_miss_rate, settings),
        Check(
            "clean rows are answered well in organism and sham alike",
            gxe.ExpectColumnPairValuesToBeEqual(column_A="visible_answer", column_B="sham_answer"),
            allowed="the sham's answer, behind the scratchpad if there is one",
            remedy=REMAKE,
            shown=("prompt",),
            is_symptom=True,
        ),
    ]


def _near_miss_checks(backdoor: Backdoor) -> list[Check]:
    return [
        Check(
            "near-miss rows carry a declared look-alike",
            gxe.ExpectColumnValuesToBeInSet(column="near_miss", value_set=list(backdoor.TRAINED_NEAR_MISSES)),
            allowed=f"TRAINED_NEAR_MISSES of the backdoor's file: {', '.join(map(repr, backdoor.TRAINED_NEAR_MISSES))}",
            remedy=REMAKE,
            shown=("prompt",),
        ),
        Check(
            "near-miss rows are helpful",
            gxe.ExpectColumnValuesToBeInSet(column="is_unwanted", value_set=[False]),
            allowed="answers that the judge does not find unwanted",
            remedy=MEND_JUDGE,
            shown=("prompt", "answer"),
            is_symptom=True,
        ),
    ]
