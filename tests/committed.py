"""The reports in git. Until the benchmark has been run anew they are of an older version, and tests of them wait."""

import json
from pathlib import Path

import pytest

from stages.records.results import BENCHMARK_VERSION

REPORTS = Path(__file__).resolve().parent.parent / "reports"
VERSION = json.loads((REPORTS / "leaderboard.json").read_text(encoding="utf-8"))["benchmark_version"]

needs_current_reports = pytest.mark.skipif(
    VERSION != BENCHMARK_VERSION,
    reason=f"the reports in git are of version {VERSION}, the code is of {BENCHMARK_VERSION}; `make repro` makes them",
)
