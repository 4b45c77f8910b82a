"""What the makers of pages share: the inputs, the board, the verdicts, and how a page is written."""

from dataclasses import dataclass

from jinja2 import Environment

from stages.board.environment import make_environment, render
from stages.board.inputs import Inputs
from stages.board.lowest import Lowest, find_lowest
from stages.board.names import organism_name
from stages.board.plugins import CEILING, DEFENSE
from stages.board.rows import Board, Row
from stages.board.sentences import rank_words
from stages.records.claims import Claims
from stages.records.results import FAILED_DEFENSE


@dataclass(frozen=True)
class Site:
    """All that pages are made of."""

    inputs: Inputs
    board: Board
    claims: Claims
    lowest: dict[str, Lowest]
    environment: Environment

    def page(self, path: str, template: str, **given: object) -> dict[str, str]:
        """The page at `path` below reports/, by that path."""
        return render(self.environment, path, template, {"params": self.inputs.params, "board": self.board, **given})

    def is_defense(self, row: Row) -> bool:
        """Whether the row is of a defense of this project: neither a control nor submitted by others."""
        return row.role == DEFENSE and row.defense not in self.inputs.sent.submissions.submitted


def make_site(inputs: Inputs, board: Board, claims: Claims) -> Site:
    """The site, its engine with the names and ranks of this board."""
    rows = {row.defense: row for row in board.rows} | board.submitted
    environment, lowest = make_environment(), find_lowest(inputs, list(rows.values()))
    environment.filters.update(
        failed=lambda row: sum(failed.status == FAILED_DEFENSE for failed in row.failed_seeds),
        organism=lambda name: organism_name(name, inputs.params),
        rank_words=lambda row: rank_words(row, board.rows),
        lowered=lambda row: row.defense in lowest and lowest[row.defense].is_lower,
    )
    return Site(inputs, board, claims, lowest, environment)


def kind_of(role: str) -> str:
    """What a row is, in a word or two."""
    return {DEFENSE: "Defense", CEILING: "Control: the best that can be"}.get(role, "Control")
