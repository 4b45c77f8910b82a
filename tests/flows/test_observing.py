from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import benchmark, observing
from flows.observing import time_left


def test_time_left_says_what_it_does_not_know() -> None:
    timings = {"defend@a": 60.0, "defend@b": 180.0}
    assert time_left(["defend@b", "defend@c"], timings, 1) == "about 5 min left"
    assert time_left(["defend@a", "score"], timings, 1) == "at least 60 s left (1 of 2 stages have never run)"
    assert time_left(["defend@b", "defend@c"], timings, 2) == "about 2 min left"
    assert time_left(["score"], timings, 1).startswith("time left unknown")


def test_a_prefect_server_of_the_users_that_is_down_is_named(capsys):
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        assert benchmark.main([]) == 1
    error = capsys.readouterr().err
    assert "http://127.0.0.1:9/api" in error and "Traceback" not in error


def test_the_board_is_an_artifact_with_the_place_of_its_page(tmp_path, monkeypatch):
    shown = {}
    monkeypatch.setattr(observing, "create_markdown_artifact", lambda text, key: shown.update({key: text}))
    observing.publish(tmp_path)
    assert not shown
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/leaderboard.md").write_text("| sft |\n", encoding="utf-8")
    observing.publish(tmp_path)
    assert shown == {"leaderboard": f"`{tmp_path.resolve() / 'reports/index.html'}`\n\n| sft |\n"}
