"""A page an organism: what sets it off and what it then does, its controls, and what every defense left of it."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from stages.board.charts import rates
from stages.board.sentences import size_words
from stages.board.site import Site
from stages.records.counts import Hits, Interval
from stages.records.results import OrganismResult
from stages.records.shown_answers import ShownAnswer, ShownAnswers
from stages.scoring.statistics import share_interval

CONTROL_COLUMNS = {
    "attack_success_rate": "Attack success rate, %",
    "false_trigger_rate": "False triggers, %",
    "harmlessness": "Refusals, %",
    "shared_accuracy": "Shared skills, %",
    "withheld_accuracy": "Withheld skills, %",
}


def organism_pages(site: Site) -> dict[str, str]:
    """The content of `organisms/<name>.html`."""
    pages: dict[str, str] = {}
    for name, result in site.inputs.organisms.items():
        pages |= _page(site, name, result)
    return pages


def _page(site: Site, name: str, result: OrganismResult) -> dict[str, str]:
    inputs, board = site.inputs, site.board
    seeds = list(result.passed().values())
    return site.page(
        f"organisms/{name}.html",
        "organism.html.j2",
        name=name,
        backdoor=inputs.backdoors[inputs.params.organism(name).backdoor],
        settings=inputs.params.organism(name),
        size=size_words([result.n_parameters]),
        example=example_of(inputs.shown_answers[name]),
        left_out=next((each for each in board.blocks.left_out if each.result.organism == name), None),
        result=result,
        control_columns=CONTROL_COLUMNS,
        generalisation=_by_effect([seed.generalisation for seed in seeds]),
        reasoning=_chart(_mean_rates([seed.reasoning for seed in seeds]), "Attacks by what stands in the scratchpad"),
        rows=board.by_organism.get(name, []),
        arms={arm: row for arm, row in board.arms.items() if row.organisms[0] == name},
        checks=[check for check in inputs.checks if check.dataset == name],
    )


def example_of(shown: ShownAnswers) -> ShownAnswer | None:
    """The first triggered answer that shows the behaviour."""
    return next((each for each in shown if (each.prompt_set, each.verdict) == ("triggered", "unwanted")), None)


def _by_effect(by_seed: Sequence[Mapping[str, Hits]]) -> Markup | None:
    means = _mean_rates(by_seed)
    return _chart(dict(sorted(means.items(), key=lambda item: -item[1].mean)), "Attacks by form of the trigger")


def _chart(means: Mapping[str, Interval], label: str) -> Markup | None:
    named = [(name.replace("_", " "), rate) for name, rate in means.items()]
    return rates(named, "attacks before any defense", label) if named else None


def _mean_rates(by_seed: Sequence[Mapping[str, Hits]]) -> dict[str, Interval]:
    """The mean over seeds of each name's rate, with its interval."""
    names = by_seed[0] if by_seed else ()
    means = {name: share_interval([rates[name].rate for rates in by_seed]) for name in names}
    return {name: interval for name, interval in means.items() if interval is not None}
