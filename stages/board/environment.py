"""The template engine of the pages: what comes from outside is escaped, and a missing name is an error.

Pages are whole in themselves: styles, scripts and charts stand inside, and no request leaves the machine.
"""

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stages.board import columns, numbers, sentences
from stages.board.names import PROMPT_SETS, defense_name, needs_words, plain
from stages.records.results import BENCHMARK_VERSION

TEMPLATES = Path(__file__).parent / "templates"


def make_environment() -> Environment:
    """The engine, with what every page uses."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        assurance=sentences.assurance,
        became=sentences.became,
        cite=numbers.cite,
        compact=numbers.compact,
        cost=numbers.mean_cost,
        defense=defense_name,
        fixed=columns.fixed,
        found=sentences.found,
        needs=needs_words,
        p_value=numbers.p_text,
        plain=plain,
        rate=numbers.rate_text,
        share=columns.share_text,
        slug=numbers.slug,
        why=columns.why_left_out,
    )
    environment.globals.update(
        meanings=columns.OUTCOME_MEANINGS,
        short_meanings=columns.SHORT_MEANINGS,
        prompt_sets=PROMPT_SETS,
        script=Markup((TEMPLATES / "pages.js").read_text(encoding="utf-8")),
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        version=BENCHMARK_VERSION,
        words=columns,
    )
    return environment


def render(environment: Environment, path: str, template: str, given: Mapping[str, object]) -> dict[str, str]:
    """The page at `path` below reports/, by that path."""
    return {path: environment.get_template(template).render(root="../" * path.count("/"), **given)}
