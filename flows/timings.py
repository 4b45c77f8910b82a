"""How long each stage took last time, and so how long the rest will take.

Seconds differ between equal runs, so they stay out of every DVC output: one git-ignored file per stage.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

FOLDER = Path("data") / "timings"


def read_timings(root: Path) -> dict[str, float]:
    """Seconds by stage; a file that cannot be read counts as not there."""
    seconds = {}
    for path in sorted((root / FOLDER).glob("*.json")):
        try:
            seconds[path.stem] = float(json.loads(path.read_text(encoding="utf-8"))["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return seconds


def write_timing(root: Path, stage: str, seconds: float) -> None:
    """Remember what `stage` took."""
    path = root / FOLDER / f"{stage}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"seconds": round(seconds, 1)}) + "\n", encoding="utf-8")


def by_kind(timings: Mapping[str, float]) -> dict[str, list[float]]:
    """The seconds of each stage by its kind, the name before the @; the kind that took longest comes first."""
    kinds: dict[str, list[float]] = {}
    for stage, seconds in timings.items():
        kinds.setdefault(_kind(stage), []).append(seconds)
    return dict(sorted(kinds.items(), key=lambda kind: -sum(kind[1])))


def time_left(stages: Sequence[str], timings: Mapping[str, float]) -> str:
    """`about 12 min left`: a cell that never ran is taken to last as long as its group's others do."""
    estimates = [_estimate(stage, timings) for stage in stages]
    known = [seconds for seconds in estimates if seconds is not None]
    if not known:
        return "time left unknown: none of the rest has run before"
    missing = len(estimates) - len(known)
    if missing:
        return f"at least {_duration(sum(known))} left ({missing} of {len(estimates)} stages have never run)"
    return f"about {_duration(sum(known))} left"


def _estimate(stage: str, timings: Mapping[str, float]) -> float | None:
    if stage in timings:
        return timings[stage]
    siblings = by_kind(timings).get(_kind(stage), [])
    return mean(siblings) if siblings else None


def _kind(stage: str) -> str:
    return stage.partition("@")[0]


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
