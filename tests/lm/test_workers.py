import os
import signal

import pytest

from stages.lm.workers import run_jobs


def double(job: int) -> int:
    return 2 * job


def die(job: int) -> int:
    if job == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def fail(job: int) -> int:
    raise ValueError(f"job {job} is bad")


def test_results_come_in_the_order_of_jobs(capfd):
    assert run_jobs(double, [3, 1, 2], "toy") == [6, 2, 4]
    assert "toy: 3 of 3 done" in capfd.readouterr().err


def test_a_killed_worker_is_an_error_and_not_a_hang():
    with pytest.raises(RuntimeError, match="toy: a worker process was killed"):
        run_jobs(die, [0, 1, 2], "toy")


def test_an_error_in_a_job_is_raised():
    with pytest.raises(ValueError, match="is bad"):
        run_jobs(fail, [0], "toy")
