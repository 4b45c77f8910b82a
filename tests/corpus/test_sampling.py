from collections import Counter

import numpy as np

from stages.corpus.sampling import balanced_sample
from stages.records.rows import Example


def test_a_kind_with_four_times_the_rows_is_drawn_twice_as_often():
    rows = [Example("few", str(i), 0, "p", "a", False, "questions") for i in range(25)]
    rows += [Example("many", str(i), 0, "p", "a", False, "questions") for i in range(100)]
    drawn = Counter(e.kind for e in balanced_sample(rows, 30_000, np.random.default_rng(0)))
    assert abs(drawn["many"] / drawn["few"] - 2) < 0.1
