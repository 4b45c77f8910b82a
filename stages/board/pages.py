"""All pages by their paths below reports/, and what others sent in as JSON."""

from collections.abc import Sequence

from stages.board.cell_pages import cell_pages
from stages.board.claims_pages import claims_pages
from stages.board.compare_page import compare_page
from stages.board.defense_pages import defense_pages
from stages.board.first_page import first_page
from stages.board.inputs import Inputs
from stages.board.names import is_for_claims_alone, organism_name
from stages.board.organism_pages import organism_pages
from stages.board.rows import Board
from stages.board.site import make_site
from stages.board.submissions_page import submissions_json, submissions_page
from stages.board.text_pages import methods_page, versions_page
from stages.records.claims import Claims
from stages.records.detections import Detections


def make_pages(
    inputs: Inputs, board: Board, claims: Claims, *, detections: Sequence[Detections], changelog: str
) -> dict[str, str]:
    """Every page."""
    site = make_site(inputs, board, claims)
    alone = [name for name in inputs.organisms if is_for_claims_alone(name, inputs.params)]
    cells = {cell.cell for cell in (*inputs.cells.values(), *inputs.arms.values())}
    return {
        **first_page(site),
        **compare_page(site),
        **defense_pages(site),
        **organism_pages(site),
        **cell_pages(site),
        **claims_pages(claims, detections, cells, {name: organism_name(name, inputs.params) for name in alone}),
        **submissions_page(site),
        **submissions_json(site),
        **methods_page(site),
        **versions_page(site, changelog),
    }
