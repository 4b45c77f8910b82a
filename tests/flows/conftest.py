"""What a run sets in its own process must not reach the next test."""

import os

import pytest


@pytest.fixture(autouse=True)
def _environment_as_before():
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
