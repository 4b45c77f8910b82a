"""How long property tests search: a little and always the same in `make test`; longer, and at random, when asked.

FUZZ_EXAMPLES=20000 python -m pytest -k fuzz    # so many inputs for each property; a failure prints its input
"""

import os

from hypothesis import HealthCheck, settings

ASKED = os.environ.get("FUZZ_EXAMPLES")

SHORT = settings(
    max_examples=int(ASKED or 50),
    derandomize=ASKED is None,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
