import os
import signal

import pytest
import torch

from stages.lm.workers import prepare_worker, run_jobs, share_out


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


@pytest.mark.parametrize(
    ("gpus", "n_workers", "shares"),
    [
        ([], 4, []),
        (["0"], 4, ["0"]),
        (["2", "5"], 4, ["2", "5"]),
        (["0", "1", "2", "3", "4"], 2, ["0,2,4", "1,3"]),
    ],
)
def test_each_gpu_goes_to_one_worker(gpus, n_workers, shares):
    assert share_out(gpus, n_workers) == shares


def visible(_: int) -> str:
    return os.environ["CUDA_VISIBLE_DEVICES"]


def test_every_worker_sees_its_own_gpus_alone(monkeypatch):
    monkeypatch.setattr("stages.lm.workers.visible_gpus", lambda: ["3"])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,4")
    assert run_jobs(visible, [0, 1], "toy") == ["3", "3"]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3,4"


def test_without_a_gpu_models_are_made_on_the_cpu():
    before = torch.get_default_device()
    prepare_worker()
    assert torch.get_default_device() == before == torch.device("cpu")
