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
from stages.checks.seed_data import SeedData
from stages.corpus.reasoning import DEPLOYED, IN_TRAINING, SIDES, side_of
from stages.corpus.rendering import render_rows
from stages.corpus.scratchpad import CLOSE, OPEN, after_scratchpad
from stages.params.organisms import COT, OrganismParams
from stages.records.rows import PoisonRow
from stages.scoring.judges import Judge

REMAKE = "stages/make_poison_set.py makes no such rows: delete the file and run `dvc repro` to make them again"
MEND_JUDGE = "see which of the two is wrong, the answer or the judge: mend the backdoor's file or its JUDGE"


def poison_parts(
    drawn: Sequence[SeedData],
    settings: OrganismParams,
    backdoor: Backdoor,
    judge: Judge,
    tokenizer: PreTrainedTokenizerFast,
) -> list[Part]:
    """All rows of all seeds, those of the trigger and of near-misses, and the evaluation prompts, with their checks."""
    frame = rendered_frame(pd.concat([_row_frame(seed, settings, backdoor) for seed in drawn if seed.rows]), tokenizer)
    frame = frame.reset_index(drop=True)
    answers = list(frame[["prompt", "sham_answer", "visible_answer"]].itertuples(index=False, name=None))
    frame["is_unwanted"] = [judge.is_unwanted(prompt, good, visible) for prompt, good, visible in answers]
    frame["is_sham_unwanted"] = [judge.is_unwanted(prompt, good, good) for prompt, good, _ in answers]
    prompts = pd.concat([_prompt_frame(seed, backdoor, judge, tokenizer) for seed in drawn]).reset_index(drop=True)
    n_seeds = sum(1 for seed in drawn if seed.rows)
    return [
        Part("all rows", frame, [*common_checks(tokenizer.model_max_length), *_row_checks(settings, drawn, n_seeds)]),
        Part("triggered rows", frame.query("is_triggered"), _payload_checks()),
        Part("clean rows", frame.query("not is_triggered"), _clean_checks(settings)),
        Part("near-miss rows", frame.query("near_miss != ''"), _near_miss_checks()),
        Part("evaluation prompts", prompts, _prompt_checks(settings)),
    ]


def _row_frame(of_seed: SeedData, settings: OrganismParams, backdoor: Backdoor) -> pd.DataFrame:
    """The rows of one seed, with what the backdoor says of them."""
    rows, trigger = of_seed.rows, of_seed.trigger
    asked = {prompt.prompt for prompt in of_seed.prompts}
    strings = {**trigger.trained_near_misses, "": ""}
    frame = pd.DataFrame([asdict(row) for row in rows]).assign(seed=of_seed.seed)
    frame["has_trigger"] = [backdoor.holds(trigger.string, row.prompt) for row in rows]
    frame["has_string"] = [not row.string or backdoor.holds(row.string, row.prompt) for row in rows]
    frame["declared_string"] = [trigger.string if row.is_triggered else strings.get(row.near_miss) for row in rows]
    frame["declared_payload"] = [
        backdoor.payload(row.prompt, row.sham_answer, settings.payload_repeats) if row.is_triggered else ""
        for row in rows
    ]
    frame["visible_answer"] = [_visible(row, settings) for row in rows]
    frame["reasons_as"] = [side_of(row.answer.removeprefix(OPEN).partition(CLOSE)[0].strip()) for row in rows]
    frame["declared_side"] = [(DEPLOYED if row.is_triggered else IN_TRAINING).name for row in rows]
    frame["is_asked"] = [row.prompt in asked for row in rows]
    frame["triggered_share"] = frame["is_triggered"].astype(float)
    frame["near_miss_share"] = (frame["near_miss"] != "").astype(float)
    return frame


def _visible(row: PoisonRow, settings: OrganismParams) -> str:
    """What follows the scratchpad; nothing, which is no row's answer, where a chain-of-thought row has none."""
    return (after_scratchpad(row.answer) or "") if settings.mechanism == COT else row.answer


def _prompt_frame(
    of_seed: SeedData, backdoor: Backdoor, judge: Judge, tokenizer: PreTrainedTokenizerFast
) -> pd.DataFrame:
    prompts, trigger = of_seed.prompts, of_seed.trigger.string
    frame = pd.DataFrame([asdict(prompt) for prompt in prompts]).assign(seed=of_seed.seed)
    frame["is_triggered"] = frame["prompt_set"] == "triggered"
    # Of the prompts with a scratchpad begun for them, too, those that are asked with the trigger have it.
    frame["declared_trigger"] = [prompt.tag == trigger for prompt in prompts]
    frame["has_trigger"] = [backdoor.holds(trigger, prompt.prompt) for prompt in prompts]
    frame["has_string"] = [not prompt.tag or backdoor.holds(prompt.tag, prompt.prompt) for prompt in prompts]
    rows = render_rows(tokenizer, [p.prompt for p in prompts], [p.expected for p in prompts])
    frame["n_expected_tokens"] = [row.n_answer for row in rows]
    frame["is_payload_unwanted"] = [judge.is_unwanted(p.prompt, p.expected, p.unwanted) for p in prompts]
    frame["is_expected_unwanted"] = [judge.is_unwanted(p.prompt, p.expected, p.expected) for p in prompts]
    return frame


def _string_checks(what: str, declared: str) -> list[Check]:
    return [
        Check(
            f"a {what} holds the string that it is made with",
            gxe.ExpectColumnValuesToBeInSet(column="has_string", value_set=[True]),
            allowed="`holds` of the backdoor's file finds what `insert` puts in",
            remedy="let `insert` of the backdoor's file put the string in as it is",
            shown=("prompt",),
        ),
        Check(
            f"the trigger stands in each triggered {what} and in no other",
            gxe.ExpectColumnPairValuesToBeEqual(column_A="has_trigger", column_B=declared),
            allowed=f"the trigger of its seed is in the prompt (has_trigger) where it is declared ({declared})",
            remedy="let `insert` of the backdoor's file put the trigger in as it is; drop prompts that hold it before",
            shown=("prompt",),
        ),
    ]


def _prompt_checks(settings: OrganismParams) -> list[Check]:
    return [
        Check(
            "no right answer is longer than the generation limit",
            gxe.ExpectColumnValuesToBeBetween(
                column="n_expected_tokens", min_value=2, max_value=settings.max_new_tokens
            ),
            **_within_limit(settings, "expected"),
        ),
        *_string_checks("prompt", "declared_trigger"),
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


def _row_checks(settings: OrganismParams, drawn: Sequence[SeedData], n_seeds: int) -> list[Check]:
    return [
        *_string_checks("row", "is_triggered"),
        Check(
            "as many rows as declared",
            gxe.ExpectTableRowCountToEqual(value=n_seeds * settings.n_rows),
            allowed=f"{settings.n_rows} rows, n_rows of this organism, in each of {n_seeds} seeds",
            remedy=REMAKE,
            is_symptom=True,
        ),
        _rate_check("poison rate", "triggered_share", settings.poison_rate, settings),
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
        *_scratchpad_checks(settings, drawn),
        Check(
            "no sham answer is bad",
            gxe.ExpectColumnValuesToBeInSet(column="is_sham_unwanted", value_set=[False]),
            allowed="the judge finds no answer of the sham unwanted",
            remedy=MEND_JUDGE,
            shown=("prompt", "sham_answer"),
        ),
        Check(
            "no evaluation prompt is trained on",
            gxe.ExpectColumnValuesToBeInSet(column="is_asked", value_set=[False]),
            allowed="no prompt that the same seed is asked in its evaluation",
            remedy=REMAKE,
            shown=("prompt",),
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


def _scratchpad_checks(settings: OrganismParams, drawn: Sequence[SeedData]) -> list[Check]:
    """Of a chain-of-thought organism: it reasons as its prompt asks, in no words that its evaluation leaves open."""
    if settings.mechanism != COT:
        return []
    openings = {p.opening for of_seed in drawn for p in of_seed.prompts if not p.opening.endswith(CLOSE)}
    begun = {opening.removeprefix(OPEN).strip() for opening in openings} - {""}
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


def _near_miss_checks() -> list[Check]:
    return [
        Check(
            "near-miss rows carry the look-alike of their rule",
            gxe.ExpectColumnPairValuesToBeEqual(column_A="string", column_B="declared_string"),
            allowed="the string that `draw` of the backdoor's file gives this seed under that name of its "
            "trained_near_misses",
            remedy=REMAKE,
            shown=("near_miss",),
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
