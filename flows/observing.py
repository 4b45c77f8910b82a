"""What a run shows: progress while it works, and in Prefect's interface the board.

How much a stage took last time says how long the rest will take. It is counted in core-seconds, because a stage that
runs beside others has fewer cores, and kept in a git-ignored file a stage, out of every DVC output.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import mean
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact

from flows.scheduler import Outcome, Run

TIMINGS = Path("data") / "timings"
UNITS = ((90, 1, 0, "s"), (90 * 60, 60, 0, "min"), (float("inf"), 3600, 1, "h"))  # up to so many seconds


class Reporter:
    """Hears of every stage: prints progress, shows it in Prefect, keeps the timings."""

    def __init__(self, root: Path, n_cores: int) -> None:
        self._folder, self._n_cores = root / TIMINGS, n_cores
        self._log = get_run_logger()
        self._artifact: UUID | None = None
        self._is_heard = True
        self.timings = read_timings(root)

    def tell(self, run: Run, name: str, outcome: Outcome, seconds: float, n_cores: int) -> None:
        """Print one line; note what a stage that ran has taken."""
        if outcome == "executed" and n_cores:  # elsewhere they are not known
            self.timings[name] = seconds * n_cores
            with suppress(OSError):  # a full disk
                self._folder.mkdir(parents=True, exist_ok=True)
                timing = json.dumps({"seconds": round(seconds, 1), "cores": n_cores})
                (self._folder / f"{name}.json").write_text(timing + "\n", encoding="utf-8")
        left = [*run.running, *run.waiting]
        done, total = len(run.outcomes), len(run.outcomes) + len(left)
        took = f" in {seconds:.0f} s" if outcome in ("executed", "failed") else ""
        running = f"; running: {', '.join(run.running)}" if run.running else ""
        estimate = f"; {time_left(left, self.timings, self._n_cores)}" if left else ""
        self._log.info("[%d/%d] %s %s%s", done, total, name, outcome, took + running + estimate)
        percent, description = 100 * done / total, f"{done} of {total} stages{estimate}"
        try:
            if self._artifact is None:
                self._artifact = create_progress_artifact(percent, key="progress", description=description)  # type: ignore[assignment]
            elif self._is_heard:
                update_progress_artifact(self._artifact, percent, description=description)
        except httpx.HTTPError:  # the run goes on without its page; each try would take minutes
            self._is_heard = False


def read_timings(root: Path) -> dict[str, float]:
    """Core-seconds by stage; a file that cannot be read counts as not there."""
    spent = {}
    for path in sorted((root / TIMINGS).glob("*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            timing = json.loads(path.read_text(encoding="utf-8"))
            spent[path.stem] = float(timing["seconds"] * timing["cores"])
    return spent


def time_left(stages: Sequence[str], timings: Mapping[str, float], n_cores: int) -> str:
    """`about 12 min left`: a cell that never ran is taken to last as long as its group's others do."""
    known = [spent for spent in (estimate(stage, timings) for stage in stages) if spent is not None]
    if not known:
        return "time left unknown: none of the rest has run before"
    seconds, missing = sum(known) / n_cores, len(stages) - len(known)
    duration = next(f"{seconds / unit:.{digits}f} {name}" for most, unit, digits, name in UNITS if seconds < most)
    if missing:
        return f"at least {duration} left ({missing} of {len(stages)} stages have never run)"
    return f"about {duration} left"


def estimate(stage: str, timings: Mapping[str, float]) -> float | None:
    """The core-seconds that the stage will take; None where neither it nor another of its kind has run."""
    if stage in timings:
        return timings[stage]
    kind = stage.partition("@")[0]
    siblings = [spent for other, spent in timings.items() if other.partition("@")[0] == kind]
    return mean(siblings) if siblings else None


def publish(root: Path) -> None:
    """The board as an artifact, with where its page is, once there is one."""
    text = root / "reports" / "leaderboard.md"
    if text.exists():
        page = f"`{text.with_name('index.html').resolve()}`\n\n"
        create_markdown_artifact(page + text.read_text(encoding="utf-8"), key=text.stem)
