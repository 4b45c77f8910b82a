import sys
from pathlib import Path

import pytest
from prefect.task_runners import ThreadPoolTaskRunner
from prefect_dask import DaskTaskRunner

from flows import benchmark
from flows.benchmark import how_many
from flows.commands import PipelineError
from flows.tasks import is_here, task_runner
from tests.test_pipeline import reports, run, smoke_folder


def test_each_kind_of_cluster_has_its_runner():
    assert isinstance(task_runner("", 2), ThreadPoolTaskRunner)
    assert isinstance(task_runner("dask", 2), DaskTaskRunner)
    assert isinstance(task_runner("tcp://example.org:8786", 2), DaskTaskRunner)


def test_another_name_is_answered_with_what_is_allowed():
    with pytest.raises(
        PipelineError, match="no cluster 'spark'. Known: dask, ray, ray://HOST:10001 of a Ray head, tcp://"
    ):
        task_runner("spark", 2)


def test_elsewhere_there_are_as_many_workers_as_asked_for_and_no_cores_of_ours():
    assert not is_here("tcp://example.org:8786")
    assert how_many(16, 0, "tcp://example.org:8786") == (16, frozenset(), ())
    with pytest.raises(PipelineError, match="workers is 0; it must be 1 or more on a cluster elsewhere"):
        how_many(0, 0, "tcp://example.org:8786")


def test_here_there_are_no_more_workers_than_cores():
    everything = how_many(0, 0, "dask")
    assert everything.number == len(everything.cores) >= 1
    with pytest.raises(PipelineError, match=f"it must be from 1 to {everything.number}, the cores here, or 0: all"):
        how_many(everything.number + 1, 0, "")


def test_gpus_are_those_that_we_may_use(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert how_many(0, 0, "").gpus == () and how_many(0, 2, "dask").gpus == ("3", "5")
    with pytest.raises(PipelineError, match="gpus is 3; it must be from 0 to 2"):
        how_many(0, 3, "")
    with pytest.raises(PipelineError, match="gpus is 1; it must be from 0 to 0, of those elsewhere"):
        how_many(2, 1, "tcp://example.org:8786")


def test_without_a_choice_of_gpus_there_are_as_many_as_the_driver_lists(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(benchmark, "DRIVER", tmp_path)
    (tmp_path / "0000:01:00.0").mkdir()
    assert how_many(0, 1, "").gpus == ("0",)
    with pytest.raises(PipelineError, match="gpus is 2; it must be from 0 to 1, .* NVIDIA's driver lists"):
        how_many(0, 2, "")


def smoke_run(folder: Path, *options: str) -> Path:
    """The folder of a smoke run from nothing, by two workers."""
    run(smoke_folder(folder), sys.executable, "-m", "flows.benchmark", "--workers", "2", *options)
    return folder


@pytest.mark.slow
def test_the_smoke_profile_gives_the_same_bytes_in_dask_workers_as_in_threads(tmp_path):
    in_threads, in_workers = smoke_run(tmp_path / "threads"), smoke_run(tmp_path / "dask", "--cluster", "dask")
    assert (in_threads / "dvc.lock").read_bytes() == (in_workers / "dvc.lock").read_bytes()
    assert reports(in_threads) == reports(in_workers)
    assert any(path.startswith("reports/results/") for path in reports(in_workers))
