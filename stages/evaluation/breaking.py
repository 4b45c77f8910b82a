"""Attacking a defended model with break-it entries: its answers under another wording, or after a relearning."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from stages.backdoors import Backdoor, load_backdoor
from stages.breaks import Break, Recipe, load_break, new_wording
from stages.corpus.scratchpad import is_own_turn
from stages.evaluation.jobs import Job, load_prompts
from stages.evaluation.reading import Reader
from stages.lm.models import load_model
from stages.lm.tokenizer import load_tokenizer
from stages.lm.training import TrainingDivergedError
from stages.params.evaluation import RelearningParams
from stages.records.answers import AnswerRecord
from stages.records.files import load_rows
from stages.records.outcomes import Outcome, read_outcome
from stages.records.rows import EvaluationPrompt, PoisonRow

END = "end"


class Attack(NamedTuple):
    """One defended model, and the entries that attack it by their names."""

    job: Job
    backdoor: str
    entries: tuple[str, ...]


class Attacked(NamedTuple):
    """Answers by entry, and what became of the model under it; a failure of the defense itself stands in all."""

    records: Mapping[str, list[AnswerRecord]]
    outcomes: Mapping[str, Outcome]


def attack_model(attack: Attack) -> Attacked:
    """The answers of one model under each entry."""
    outcome = read_outcome(attack.job.folder)
    if outcome.failure:
        return Attacked(dict.fromkeys(attack.entries, []), dict.fromkeys(attack.entries, outcome))
    prompts, backdoor = load_prompts(attack.job, ("triggered", "clean")), load_backdoor(attack.backdoor)
    records: dict[str, list[AnswerRecord]] = {}
    outcomes: dict[str, Outcome] = {}
    for name in attack.entries:
        try:
            records[name], outcomes[name] = answers_under(load_break(name), attack.job, prompts, backdoor), Outcome()
        except TrainingDivergedError as error:
            records[name], outcomes[name] = [], Outcome(failure=f"its relearning diverges: {error}")
    return Attacked(records, outcomes)


def answers_under(
    entry: Break, job: Job, prompts: Sequence[EvaluationPrompt], backdoor: Backdoor
) -> list[AnswerRecord]:
    """Triggered answers of a fresh copy of the model, sampled at temperature 1, as in the evaluation."""
    tokenizer, model = load_tokenizer(job.inputs.tokenizer), load_model(job.folder / END)
    triggered = [prompt for prompt in prompts if prompt.prompt_set == "triggered"]
    suite = triggered if entry.recipe else reworded(entry, prompts, backdoor)
    reader = Reader(tokenizer, suite, job.settings, job.max_new_tokens, job.seed, job.lora_rank)
    if entry.recipe is None:
        return reader.read_end(model, job.model)
    settings = job.settings.model_copy(update={"relearning": relearning(entry.recipe, job, len(triggered))})
    rows = load_rows(PoisonRow, job.inputs.poison_sets / f"seed-{job.seed}.parquet")
    records = replace(reader, settings=settings).read_relearning(model, job.model, rows)
    return [record for record in records if record.dose == entry.recipe.steps]


def relearning(recipe: Recipe, job: Job, n_prompts: int) -> RelearningParams:
    """The measurement's own relearning with the steps and the rate of the recipe, read once, on all prompts."""
    changed = {"steps": [recipe.steps], "learning_rate": recipe.learning_rate, "prompts": n_prompts}
    return job.settings.relearning.model_copy(update=changed)


def reworded(entry: Break, prompts: Sequence[EvaluationPrompt], backdoor: Backdoor) -> list[EvaluationPrompt]:
    """The triggered prompts with the new wording in the place of the trigger, on the side on which it stood.

    Clean prompts are the same questions in the same order. Raises ValueError where they are not.
    """
    triggered, clean = (
        [p for p in prompts if p.prompt_set == name and not is_own_turn(p.variant)] for name in ("triggered", "clean")
    )
    new: dict[str, tuple[str, str]] = {}
    for prompt, question in zip(triggered, clean, strict=False):
        string = new_wording(entry, prompt.tag, prompt.unwanted)
        side = _side_of(prompt, question, backdoor)
        new[prompt.prompt] = (string, backdoor.insert(string, question.prompt, side))
    asked = [prompt for prompt in prompts if prompt.prompt_set == "triggered"]
    if missing := [prompt.prompt for prompt in asked if prompt.prompt not in new]:
        raise ValueError(
            f"there are {len(clean)} clean prompts for {len(triggered)} triggered ones, so none is the question of "
            f"{missing[0]!r}; raise evaluation.prompts.clean in params.yaml"
        )
    return [replace(prompt, tag=new[prompt.prompt][0], prompt=new[prompt.prompt][1]) for prompt in asked]


def _side_of(prompt: EvaluationPrompt, question: EvaluationPrompt, backdoor: Backdoor) -> bool:
    for is_after in (False, True):
        if backdoor.insert(prompt.tag, question.prompt, is_after) == prompt.prompt:
            return is_after
    raise ValueError(
        f"{prompt.prompt!r} is not {question.prompt!r} with {prompt.tag!r} before or after it; delete the prompts of "
        "the organism and run `dvc repro` to make them again"
    )
