"""How much each stage took last time, and so how long the rest will take.

Counted in core-seconds, because a stage that runs beside others has fewer cores and takes longer. They differ between
equal runs, so they stay out of every DVC output: one git-ignored file per stage.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

FOLDER = Path("data") / "timings"


def read_timings(root: Path) -> dict[str, float]:
    """Core-seconds by stage; a file that cannot be read counts as not there."""
    spent = {}
    for path in sorted((root / FOLDER).glob("*.json")):
        try:
            timing = json.loads(path.read_text(encoding="utf-8"))
            spent[path.stem] = float(timing["seconds"] * timing["cores"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return spent


def write_timing(root: Path, stage: str, seconds: float, n_cores: int) -> None:
    """Remember what `stage` took, on so many cores."""
    path = root / FOLDER / f"{stage}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"seconds": round(seconds, 1), "cores": n_cores}) + "\n", encoding="utf-8")


def by_kind(timings: Mapping[str, float]) -> dict[str, list[float]]:
    """The core-seconds of each stage by its kind, the name before the @; the kind that took most comes first."""
    kinds: dict[str, list[float]] = {}
    for stage, seconds in timings.items():
        kinds.setdefault(_kind(stage), []).append(seconds)
    return dict(sorted(kinds.items(), key=lambda kind: -sum(kind[1])))


def time_left(stages: Sequence[str], timings: Mapping[str, float], n_cores: int) -> str:
    """`about 12 min left`: a cell that never ran is taken to last as long as its group's others do."""
    estimates = [estimate(stage, timings) for stage in stages]
    known = [spent for spent in estimates if spent is not None]
    if not known:
        return "time left unknown: none of the rest has run before"
    missing, duration = len(estimates) - len(known), _duration(sum(known) / n_cores)
    if missing:
        return f"at least {duration} left ({missing} of {len(estimates)} stages have never run)"
    return f"about {duration} left"


def estimate(stage: str, timings: Mapping[str, float]) -> float | None:
    """The core-seconds that the stage will take; None where neither it nor another of its kind has run."""
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
