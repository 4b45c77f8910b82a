"""What a round publishes, and where: the files of reports/rounds/<name>/.

`opening.json` at the opening; `data.json`, `models.json` and `rows/` with the first row; `closing.json` and `counts/`
at the closing.
"""

from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from stages.rounds.dealing import Deal
from stages.rounds.keys import keyed_hash

OPENING, CLOSING, DATA, MODELS = "opening.json", "closing.json", "data.json", "models.json"
ROWS, COUNTS, UNDEFENDED = "rows", "counts", "undefended"

Hashes = dict[str, str]  # of files, keyed with the secret, by their names


@dataclass(frozen=True)
class Opening:
    """The commitment: the SHA-256 of the secret, the commit whose code makes the round, and the rules."""

    round: str
    secret_sha256: str
    commit: str
    rules: dict[str, JsonValue]


@dataclass(frozen=True)
class Closing:
    """The secret, which model each code stood for, and the names of all rows."""

    round: str
    secret: str
    deal: Deal
    rows: list[str]


def numbered_hashes(secret: bytes, folder: Path) -> Hashes:
    """The keyed hashes of the files in `folder`, numbered in the order of their names: these would tell the seeds."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {f"{folder.name}/{i}{path.suffix}": keyed_hash(secret, path.read_bytes()) for i, path in enumerate(files)}
