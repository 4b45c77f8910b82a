"""The pages of words: methods with the glossary, and what moved from version to version."""

from itertools import pairwise

from markdown_it import MarkdownIt
from markupsafe import Markup

from stages.board import columns
from stages.board.numbers import slug
from stages.board.sentences import size_words
from stages.board.site import Site


def methods_page(site: Site) -> dict[str, str]:
    """The content of methods.html."""
    inputs = site.inputs
    of_organisms = [check for check in inputs.checks if check.dataset in inputs.organisms]
    return site.page(
        "methods.html",
        "methods.html.j2",
        inputs=inputs,
        size=size_words([result.n_parameters for result in inputs.organisms.values()]),
        organisms=inputs.organisms,
        cards=inputs.cards,
        preference=inputs.data.preference_accuracy,
        checks=[check for check in inputs.checks if check not in of_organisms],
        tokens=inputs.data.tokens,
        glossary=glossary(),
    )


def glossary() -> dict[str, str]:
    """Every term with its meaning, by the alphabet."""
    terms = {column.heading.removesuffix(", %"): column.meaning for column in columns.COLUMNS}
    terms |= columns.OTHER_COLUMNS | columns.OUTCOME_MEANINGS | columns.GLOSSARY
    return dict(sorted(terms.items(), key=lambda item: item[0].lower()))


def versions_page(site: Site, changelog: str) -> dict[str, str]:
    """The content of versions.html; what the changelog has of HTML is shown as text."""
    reader = MarkdownIt("commonmark", {"html": False})
    tokens = reader.parse(changelog)
    for heading, text in pairwise(tokens):
        if heading.type == "heading_open" and heading.tag == "h2":
            heading.attrSet("id", slug(text.content))
    html = reader.renderer.render(tokens, reader.options, {})
    return site.page("versions.html", "versions.html.j2", changelog=Markup(html))
