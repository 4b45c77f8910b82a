from flows.timings import by_kind, time_left


def test_time_left_says_what_it_does_not_know() -> None:
    timings = {"defend@a": 60.0, "defend@b": 180.0}
    assert time_left(["defend@b", "defend@c"], timings, 1) == "about 5 min left"
    assert time_left(["defend@a", "score"], timings, 1) == "at least 60 s left (1 of 2 stages have never run)"
    assert time_left(["defend@b", "defend@c"], timings, 2) == "about 2 min left"
    assert time_left(["score"], timings, 1).startswith("time left unknown")


def test_the_kind_of_stage_that_took_longest_comes_first() -> None:
    timings = {"score": 5.0, "defend@a": 60.0, "evaluate@a": 100.0, "defend@b": 180.0}
    assert list(by_kind(timings).items()) == [("defend", [60.0, 180.0]), ("evaluate", [100.0]), ("score", [5.0])]
