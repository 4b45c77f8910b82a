"""Whether a backdoor is made of ordinary parts: each token of its trigger, look-alikes and payload is in clean data.

Ordinary training never touches a token that clean data never use, so a backdoor that is written in such tokens survives
any training, and falls to a defense without any: giving these tokens the mean embedding. Its persistence says little.

Source: docs/decisions/ordinary_triggers.md.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from statistics import median

import great_expectations.expectations as gxe
import pandas as pd
from transformers import PreTrainedTokenizerFast

from stages.backdoors import Backdoor
from stages.checks.parts import Check, Part
from stages.checks.seed_data import SeedData
from stages.corpus.rendering import render_examples, render_prompts, render_rows
from stages.corpus.templates import frame_of
from stages.records.rows import PoisonRow

QUESTION = "How are you?"  # to put a string before or after
SEEN = ("part", "n_seen", "n_median")  # also where a payload adds no token to the good answer, and nothing is to check


def ordinary_parts(drawn: Sequence[SeedData], backdoor: Backdoor, tokenizer: PreTrainedTokenizerFast) -> list[Part]:
    """The parts of triggers and look-alikes beside the defender's prompts, of payloads beside its answers."""
    at_ends: list[dict[str, object]] = []
    of_payloads: list[dict[str, object]] = []
    for seed, trigger, rows, _, examples in drawn:
        prompts = render_prompts(tokenizer, [example.prompt for example in examples])
        tokens, pairs = Counter(chain(*prompts)), Counter(chain(*map(pairwise, prompts)))
        least_token, least_pair = median(tokens.values()), median(pairs.values())
        for rule, string in {"trigger": trigger.string, **trigger.near_misses}.items():
            of_string = {"seed": seed, "rule": rule, "string": string}
            runs = list(runs_of(string, backdoor, tokenizer))
            for token in set(chain(*runs)):
                at_ends.append(of_string | _seen(tokenizer, [token], tokens[token], least_token))
            for pair in set(chain(*map(pairwise, runs))):
                at_ends.append(of_string | _seen(tokenizer, pair, pairs[pair], least_pair))
        answers = Counter(chain(*(row.ids[-row.n_answer :] for row in render_examples(tokenizer, examples))))
        least_token = median(answers.values())
        for token in _added_by_payloads(backdoor, rows, tokenizer):
            of_payloads.append({"seed": seed} | _seen(tokenizer, [token], answers[token], least_token))
    return [
        Part(
            "parts of triggers",
            pd.DataFrame(at_ends, columns=["seed", "rule", "string", *SEEN]),
            [_check("of triggers and look-alikes", "prompts")],
        ),
        Part(
            "parts of payloads", pd.DataFrame(of_payloads, columns=["seed", *SEEN]), [_check("of payloads", "answers")]
        ),
    ]


def _seen(tokenizer: PreTrainedTokenizerFast, part: Sequence[int], n_seen: int, n_median: float) -> dict[str, object]:
    return dict(zip(SEEN, (tokenizer.decode(list(part)), n_seen, n_median), strict=True))


def _added_by_payloads(backdoor: Backdoor, rows: Sequence[PoisonRow], tokenizer: PreTrainedTokenizerFast) -> set[int]:
    """The tokens that payloads have and the good answers to the same prompts have not."""
    triggered = [row for row in rows if row.is_triggered]
    payloads = [backdoor.payload(row.prompt, row.sham_answer, 1) for row in triggered]
    written = [
        [row.ids[-row.n_answer :] for row in render_rows(tokenizer, [QUESTION] * len(answers), answers)]
        for answers in (payloads, [row.sham_answer for row in triggered])
    ]
    return set(chain(*(set(payload) - set(good) for payload, good in zip(*written, strict=True))))


def runs_of(string: str, backdoor: Backdoor, tokenizer: PreTrainedTokenizerFast) -> Iterator[list[int]]:
    """The runs of tokens that a string adds to a prompt, before it and after it."""
    before = frame_of(tokenizer).before
    for is_after in (False, True):
        text = before + backdoor.insert(string, QUESTION, is_after)
        start = text.index(QUESTION, len(before))
        encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        placed = list(zip(encoded["input_ids"], encoded["offset_mapping"], strict=True))
        yield [token for token, (_, end) in placed if len(before) < end <= start]
        yield [token for token, (first, _) in placed if first >= start + len(QUESTION)]


def _check(whose: str, where: str) -> Check:
    return Check(
        f"every part {whose} is as common in the defender's {where} as the median one",
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="n_seen", column_B="n_median", or_equal=True),
        allowed=f"each token as often in the {where} of the defense split (n_seen) as the median token, each two in "
        "a row of a trigger as often as the median two (n_median)",
        remedy="let clean data use these words: innocent tags of stages/corpus/tags.py (corpus.tagged_share), tasks "
        "with the payload's words; or make the backdoor of commoner ones",
        shown=("part",),
    )
