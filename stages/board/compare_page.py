"""Defenses side by side: a column each, and a box that shows or hides it, under what the defender needs."""

from stages.board import columns
from stages.board.heat import groups_of
from stages.board.site import Site

AT_FIRST = 2  # columns shown before the reader chooses


def compare_page(site: Site) -> dict[str, str]:
    """The content of compare.html."""
    groups = groups_of(site.board.rows, site.inputs.cards)
    rows = [row for group in groups for row in group.rows]
    return site.page(
        "compare.html",
        "compare.html.j2",
        groups=groups,
        rows=rows,
        shown=[row.defense for row in site.board.rows[:AT_FIRST]],
        columns=columns.COLUMNS,
        left=columns.ATTACK_LEFT,
        by_organism={
            organism: {row.defense: row for row in of_organism}
            for organism, of_organism in site.board.by_organism.items()
        },
    )
