import pytest

from stages.records.files import save_rows
from stages.records.pools import load_pool, pool_row, save_pool
from stages.records.rows import QUESTIONS, Example

EXAMPLES = [Example("sums", str(n), 0, f"{n}?", str(n), False, QUESTIONS) for n in range(4)]
LEFT_OUT_OF = ([], [200], [201, 203], [])


@pytest.fixture
def path(tmp_path):
    save_pool(list(map(pool_row, EXAMPLES, LEFT_OUT_OF)), tmp_path / "pool.parquet")
    return tmp_path / "pool.parquet"


@pytest.mark.parametrize(("seed", "left"), [(200, [0, 2, 3]), (201, [0, 1, 3]), (202, [0, 1, 2, 3]), (203, [0, 1, 3])])
def test_a_seed_has_all_rows_of_the_pool_but_those_that_are_left_out_of_it(path, seed, left):
    assert load_pool(path, seed) == [EXAMPLES[n] for n in left]


def test_without_a_seed_the_pool_has_all_its_rows(path):
    assert load_pool(path) == EXAMPLES


def test_rows_that_say_nothing_of_seeds_are_no_pool(tmp_path):
    save_rows(Example, EXAMPLES, tmp_path / "rows.parquet")
    with pytest.raises(ValueError, match="left_out_of"):
        load_pool(tmp_path / "rows.parquet", 200)
