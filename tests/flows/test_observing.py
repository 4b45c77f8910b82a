from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import benchmark
from flows.observing import board_row

KNOWN = {"mean": 0.124, "low": 0.05, "high": 0.18, "n": 4}
ROW = {"rank": 1, "defense": "sft", "role": "defense", "needs": ["judge", "data"]}


def test_a_row_of_the_table_says_what_is_known_and_a_dash_for_the_rest():
    alone = {"mean": 0.7, "low": None, "high": None, "n": 1}
    row = board_row({**ROW, "metrics": {"score": KNOWN, "attack_trigger": alone, "utility": None}})
    assert row == {
        "Rank": 1,
        "Defense": "sft",
        "Role": "defense",
        "Needs": "judge, data",
        "Score S": "0.12 [0.05, 0.18]",
        "Attack left, %": "70.0 [–, –]",
        "Utility U, %": "– [–, –]",
        "Seeds": 4,
    }


def test_a_prefect_server_of_the_users_that_is_down_is_named(capsys):
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        assert benchmark.main([]) == 1
    assert "Prefect's server at http://127.0.0.1:9/api does not answer" in capsys.readouterr().err
