"""Where commands run: in threads here, or in the workers of a Dask or Ray cluster, of this run or a running one."""

import logging
from importlib import import_module
from typing import Any

from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.commands import PipelineError

ALLOWED = "dask, ray, or an address: tcp://HOST:8786 of a Dask scheduler, ray://HOST:10001 of a Ray head"


def is_here(cluster: str) -> bool:
    """Whether its workers are on this machine, and so share the cores of this process."""
    return "://" not in cluster


def task_runner(cluster: str, n_workers: int) -> TaskRunner[Any]:
    """The runner for `cluster`: none, `dask` or `ray` for as many worker processes of our own, or an address.

    Raises PipelineError for anything else, and where the package of the cluster is not installed.
    """
    if not cluster:
        return ThreadPoolTaskRunner(max_workers=n_workers)
    if cluster == "ray" or cluster.startswith("ray://"):
        return _ray(cluster, n_workers)
    if cluster == "dask" or not is_here(cluster):
        return _dask(cluster, n_workers)
    raise PipelineError(f"no cluster '{cluster}'. Allowed: {ALLOWED}.")


def _dask(cluster: str, n_workers: int) -> TaskRunner[Any]:
    logging.getLogger("distributed").setLevel(logging.ERROR)
    kind = _load("prefect_dask", "dask").DaskTaskRunner
    if not is_here(cluster):
        return kind(address=cluster)
    return kind(cluster_kwargs={"n_workers": n_workers, "threads_per_worker": 1, "dashboard_address": None})


def _ray(cluster: str, n_workers: int) -> TaskRunner[Any]:
    kind = _load("prefect_ray", "ray").RayTaskRunner
    if not is_here(cluster):
        return kind(address=cluster)
    # `local`: one of our own, also where somebody has started one on this machine.
    return kind(init_kwargs={"address": "local", "num_cpus": n_workers, "include_dashboard": False})


def _load(module: str, cluster: str) -> Any:  # noqa: ANN401  # only a run on such a cluster waits for its import
    try:
        return import_module(module)
    except ImportError as error:
        raise PipelineError(f"a {cluster} cluster needs a package: pip install prefect-{cluster} ({error})") from error
