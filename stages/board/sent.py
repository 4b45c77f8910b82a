"""What others sent in, read for the pages: defenses, break-it entries with their counts, and hidden rounds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stages.board.plugins import DEFENSE, DefenseCard, EntryCard, read_entry
from stages.params.errors import SubmissionError
from stages.params.experiment import Experiment
from stages.params.submissions import NOTHING_SUBMITTED, Submissions, load_submissions
from stages.records.breaks import BrokenCell, EntryCounts
from stages.records.files import read_record
from stages.records.weighed import WeighedCell
from stages.rounds.published import CLOSING, OPENING, ROWS, Opening
from stages.rounds.rows import RoundRow


@dataclass(frozen=True)
class SentPaths:
    """Where it lies."""

    submissions: Path
    breaks: Path
    weighed: Path
    rounds: Path


@dataclass(frozen=True)
class Round:
    """A hidden round as far as it is published; rows by the defense."""

    opening: Opening
    is_closed: bool
    rows: dict[str, RoundRow]


@dataclass(frozen=True)
class Sent:
    """All of it. `broken` and `weighed` are by cell, `entries` are the break-it entries by their names."""

    submissions: Submissions = NOTHING_SUBMITTED
    broken: dict[str, BrokenCell] = field(default_factory=dict)
    weighed: dict[str, WeighedCell] = field(default_factory=dict)
    rounds: tuple[Round, ...] = ()
    entries: dict[str, EntryCard] = field(default_factory=dict)

    def counts_of(self, cell: str) -> dict[str, EntryCounts]:
        """What each entry found in a cell; nothing where none attacks it."""
        return self.broken[cell].entries if cell in self.broken else {}


def load_sent(paths: SentPaths, params: Experiment, stages: Path) -> Sent:
    """All of it. Raises ValueError naming what is missing, unreadable, or older than flows/submissions.yaml."""
    submissions = load_submissions(paths.submissions, params)
    names = {name for cell in submissions.breaks.values() for name in cell.entries}
    return Sent(
        submissions=submissions,
        broken={cell: _broken(cell, paths, set(submissions.breaks[cell].entries)) for cell in submissions.breaks},
        weighed={cell: read_record(WeighedCell, paths.weighed / f"{cell}.json") for cell in submissions.weighed},
        rounds=tuple(_round(path.parent) for path in sorted(paths.rounds.glob(f"*/{OPENING}"))),
        entries={name: read_entry(name, stages / "breaks") for name in sorted(names)},
    )


def require_no_yardstick(sent: Sent, cards: Mapping[str, DefenseCard]) -> None:
    """Raise SubmissionError where a submitted defense says that it is a control."""
    for name in sent.submissions.submitted:
        if cards[name].role != DEFENSE:
            raise SubmissionError(
                f"the submitted defense {name!r} has ROLE {cards[name].role!r}; a control of this board is not "
                "submitted. Remove ROLE from its file, or its entry from flows/submissions.yaml"
            )


def _broken(cell: str, paths: SentPaths, named: set[str]) -> BrokenCell:
    found = read_record(BrokenCell, paths.breaks / f"{cell}.json")
    if found.entries.keys() != named:
        raise ValueError(
            f"{paths.breaks / cell}.json has the entries {sorted(found.entries)}, and {paths.submissions} names "
            f"{sorted(named)}; run `dvc repro break_cell@{cell}` to attack it anew"
        )
    return found


def _round(folder: Path) -> Round:
    return Round(
        opening=read_record(Opening, folder / OPENING),
        is_closed=(folder / CLOSING).exists(),
        rows={path.stem: read_record(RoundRow, path) for path in sorted((folder / ROWS).glob("*.json"))},
    )
