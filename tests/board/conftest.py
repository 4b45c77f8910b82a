"""A made-up benchmark to look at, and one to break."""

from pathlib import Path

import pytest

from tests.board.toys import Benchmark, build, build_several


@pytest.fixture(scope="session")
def board(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """A benchmark with its report, to be read only."""
    made = build(tmp_path_factory.mktemp("benchmark"))
    made.report()
    return made


@pytest.fixture
def fresh(tmp_path: Path) -> Benchmark:
    """A benchmark of one's own, scored but not reported, to be broken."""
    return build(tmp_path)


@pytest.fixture(scope="session")
def several(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """A benchmark of two organisms and an arm with its report, to be read only."""
    made = build_several(tmp_path_factory.mktemp("several"))
    made.report()
    return made


@pytest.fixture
def fresh_several(tmp_path: Path) -> Benchmark:
    """A benchmark of two organisms of one's own, scored but not reported, to be broken."""
    return build_several(tmp_path)
