from collections import Counter

import numpy as np

from stages.corpus.sampling import balanced_sample, half_of
from stages.records.rows import Example


def test_a_kind_with_four_times_the_rows_is_drawn_twice_as_often():
    rows = [Example("few", str(i), 0, "p", "a", False, "questions") for i in range(25)]
    rows += [Example("many", str(i), 0, "p", "a", False, "questions") for i in range(100)]
    drawn = Counter(e.kind for e in balanced_sample(rows, 30_000, np.random.default_rng(0)))
    assert abs(drawn["many"] / drawn["few"] - 2) < 0.1


def test_half_of_some_strings_is_every_other_one_in_their_order():
    strings = [str(i) for i in range(25)]
    drawn = [half_of(strings, np.random.default_rng(seed)) for seed in range(2)]
    assert all(len(half) == 12 and sorted(half, key=int) == list(half) for half in drawn) and drawn[0] != drawn[1]
