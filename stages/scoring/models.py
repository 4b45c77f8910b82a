"""What was answered of an organism or a cell, as counts of each of its models; and why a model is missing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from stages.records.answers import AnswerRecord
from stages.records.counts import Count, Group
from stages.records.outcomes import Outcomes
from stages.scoring.counting import Judges, count_answers, run_code
from stages.scoring.rates import ORGANISM, SHAM, Counts


class Answers(NamedTuple):
    """What is kept of an organism or a cell and of its shams: answers, outcomes, and the hash of each file by name."""

    records: Sequence[AnswerRecord]
    outcomes: Outcomes
    inputs: dict[str, str]


def require_models(outcomes: Outcomes, expected: Iterable[str], folder: str) -> None:
    """Raise ValueError where a model that should be there, as `sham/3`, has not even an outcome."""
    missing = [name for name in expected if name not in outcomes]
    if missing:
        raise ValueError(
            f"the answers of {folder} lack {', '.join(missing)}, which params.yaml makes (n_seeds, sham_seeds); run "
            "`dvc repro` so that every answer is made again"
        )


def count_models(answers: Answers, judges: Judges) -> dict[tuple[str, int], dict[Group, Count]]:
    """The counts of each model that its outcome says was made, by model and seed."""
    run_code(answers.records)
    made = [tuple(name.split("/")) for name, outcome in answers.outcomes.items() if not outcome.failure]
    by_model: dict[tuple[str, int], list[AnswerRecord]] = {(model, int(seed)): [] for model, seed in made}
    for record in answers.records:
        by_model.setdefault((record.model, record.seed), []).append(record)
    return {model: count_answers(records, judges) for model, records in by_model.items()}


def shams_of(counts: Mapping[tuple[str, int], Counts], outcomes: Outcomes) -> dict[int, dict[Group, Count]]:
    """The counts of the shams that were made, by seed."""
    return {
        seed: dict(of_model)
        for (model, seed), of_model in sorted(counts.items())
        if model == SHAM and not outcomes[f"{SHAM}/{seed}"].failure
    }


def why_no_shams(outcomes: Outcomes) -> str:
    """Why there is no control, where every sham failed."""
    failures = {name: outcome.failure for name, outcome in sorted(outcomes.items()) if name.startswith(f"{SHAM}/")}
    return "no sham to compare with: " + "; ".join(f"{name}: {failure}" for name, failure in failures.items())


def failure_of(outcomes: Outcomes, seed: int) -> str | None:
    """Why the organism of this seed is missing; None where it is there."""
    return outcomes[f"{ORGANISM}/{seed}"].failure
