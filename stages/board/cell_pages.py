"""A page a cell, and one an organism without defense: every model's numbers, and its answers before and after."""

from stages.board import columns
from stages.board.answers import answers_by_seed
from stages.board.names import defense_name, organism_name
from stages.board.rows import Row
from stages.board.sentences import became, found
from stages.board.site import Site
from stages.records.results import CellResult


def cell_pages(site: Site) -> dict[str, str]:
    """The content of `cells/<cell>.html` and of `cells/<organism>.html`."""
    pages: dict[str, str] = {}
    for name, result in site.inputs.organisms.items():
        pages |= _page(site, name, f"{organism_name(name, site.inputs.params)}, before any defense", result.inputs)
    for cell in (*site.inputs.cells.values(), *site.inputs.arms.values()):
        title = f"{defense_name(cell.defense)} on {organism_name(cell.organism, site.inputs.params)}"
        pages |= _page(site, cell.cell, title, cell.inputs, cell)
    return pages


def _page(site: Site, name: str, title: str, inputs: dict[str, str], cell: CellResult | None = None) -> dict[str, str]:
    shown = site.inputs.shown_answers
    organism = cell.organism if cell else name
    return site.page(
        f"cells/{name}.html",
        "cell.html.j2",
        name=name,
        title=title,
        cell=cell,
        became=became(found(_row(site, cell))) if cell else "",
        faces={face: column.heading for face, column in columns.FACES.items()},
        percent=columns.WRITE["percent"],
        answers=answers_by_seed(organism, shown[organism], shown[name] if cell else ()),
        has_after=cell is not None,
        outcomes={seed.seed: seed.outcome for seed in cell.seeds} if cell else {},
        inputs=inputs,
    )


def _row(site: Site, cell: CellResult) -> Row:
    if cell.cell in site.board.arms:
        return site.board.arms[cell.cell]
    return next(row for row in site.board.by_organism[cell.organism] if row.defense == cell.defense)
