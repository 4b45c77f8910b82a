"""What a run shows: progress while it works, and in Prefect's interface its commit, the board and the claims."""

import json
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from flows.pages import address_of
from flows.scheduler import Progress
from flows.timings import read_timings, time_left, write_timing

# The board's columns in the table artifact: heading, metric of reports/leaderboard.json, factor.
SHOWN = (("Score S", "score", 1), ("Attack left, %", "attack_trigger", 100), ("Utility U, %", "utility", 100))


class Reporter:
    """Hears of every stage: prints progress, shows it in Prefect, keeps the timings."""

    def __init__(self, root: Path, n_cores: int) -> None:
        self._root, self._n_cores = root, n_cores
        self._log = get_run_logger()
        self._artifact: UUID | None = None
        self._is_heard = True
        self.timings = read_timings(root)

    def on_progress(self, progress: Progress) -> None:
        """Print one line; note what a stage that ran has taken."""
        if progress.outcome == "executed" and progress.n_cores:  # elsewhere they are not known
            self.timings[progress.stage] = progress.seconds * progress.n_cores
            with suppress(OSError):  # a full disk
                write_timing(self._root, progress.stage, progress.seconds, progress.n_cores)
        place = f"[{progress.n_done}/{progress.total}] {progress.stage}"
        seconds = f" in {progress.seconds:.0f} s" if progress.outcome in ("executed", "failed") else ""
        running = f"; running: {', '.join(progress.running)}" if progress.running else ""
        left = [*progress.running, *progress.waiting]
        estimate = f"; {time_left(left, self.timings, self._n_cores)}" if left else ""
        self._log.info("%s %s%s%s", place, progress.outcome, seconds, running + estimate)
        self._show(100 * progress.n_done / progress.total, f"{progress.n_done} of {progress.total} stages{estimate}")

    def _show(self, percent: float, description: str) -> None:
        if self._is_heard:
            try:
                if self._artifact is None:
                    self._artifact = create_progress_artifact(percent, key="progress", description=description)  # type: ignore[assignment]
                else:
                    update_progress_artifact(self._artifact, percent, description=description)
            except httpx.HTTPError as error:
                self._is_heard = False
                self._log.warning("Prefect's server does not answer (%s); the run goes on without its page", error)


def tag_run(root: Path) -> None:
    """Tag the flow run with the commit it runs on, marked where files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        described = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git
        return
    if described.returncode == 0:
        with get_client(sync_client=True) as client:
            tags = [*flow_run.tags, f"commit:{described.stdout.strip()}"]
            client.update_flow_run(UUID(flow_run.id), tags=tags)


def publish(root: Path) -> None:
    """As artifacts: the board as a table, the claims, and where their pages are; what is there of them."""
    reports = (root / "reports").resolve()
    try:
        _publish(reports)
    except httpx.HTTPError as error:
        get_run_logger().warning("Prefect's server does not answer (%s); the board is in %s", error, reports)


def _publish(reports: Path) -> None:
    board, claims = reports / "leaderboard.json", reports / "claims.md"
    if board.exists():
        rows = json.loads(board.read_text(encoding="utf-8"))["rows"]
        create_table_artifact(
            [board_row(row) for row in rows], key="leaderboard", description="Defenses by their score S"
        )
    if claims.exists():
        create_markdown_artifact(claims.read_text(encoding="utf-8"), key="claims")
    for page in ("leaderboard", "claims"):
        if (path := reports / f"{page}.html").exists():
            _show_page(path, f"{page}-page")


def _show_page(path: Path, key: str) -> None:
    """A link to the page where it is served, else its path."""
    if address := address_of(path):
        create_link_artifact(address, key=key, link_text=str(path))
    else:
        create_markdown_artifact(f"`{path}`", key=key)


def board_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of reports/leaderboard.json as the table has it; a dash for what is unknown."""
    shown = {"Rank": row["rank"], "Defense": row["defense"], "Role": row["role"], "Needs": ", ".join(row["needs"])}
    for heading, name, factor in SHOWN:
        values = [(row["metrics"][name] or {}).get(key) for key in ("mean", "low", "high")]
        digits = 2 if factor == 1 else 1
        mean, low, high = ("–" if value is None else f"{factor * value:.{digits}f}" for value in values)
        shown |= {heading: f"{mean} [{low}, {high}]"}
    return {**shown, "Seeds": (row["metrics"]["score"] or {}).get("n", 0)}
