"""Seeds side by side: one-thread worker processes, as many as the cores this process may use, or as its GPUs.

Workers are forked, so they inherit the imported libraries; that is safe because no stage touches an accelerator or
starts a thread before it forks. A worker that is killed is an error here, never a hang.
"""

import gc
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue
from typing import TypeVar

import torch
from transformers.utils import logging as transformers_logging

Job = TypeVar("Job")
Result = TypeVar("Result")


def prepare_process() -> None:
    """One thread, no denormal numbers (a fifth of the time of a small model went into them), no progress bars.

    What is imported by now is kept out of garbage collection: each training collects, a quarter of a second each time.
    """
    gc.freeze()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    transformers_logging.disable_progress_bar()


def prepare_worker(own_gpus: "SimpleQueue[str] | None" = None) -> None:
    """The same, for a process that runs models and forks no more: it makes them on its GPU, where there is one.

    `own_gpus`: where it takes the names of its GPUs from, as CUDA_VISIBLE_DEVICES has them; by default all are its own.
    """
    prepare_process()
    if own_gpus is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = own_gpus.get()
    if torch.cuda.is_available():
        torch.set_default_device("cuda")


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    seen = [str(i) for i in range(torch.cuda.device_count())] if named is None else named.split(",")
    return seen if torch.cuda.is_available() else []


def share_out(gpus: Sequence[str], n_workers: int) -> list[str]:
    """The GPUs of each of at most `n_workers` workers, each GPU with one; none where there is no GPU."""
    n_sharing = min(n_workers, len(gpus))
    return [",".join(gpus[i::n_sharing]) for i in range(n_sharing)]


def run_jobs(function: Callable[[Job], Result], jobs: Sequence[Job], label: str) -> list[Result]:
    """`function` of every job, in the order of jobs, run in worker processes; prints progress to stderr.

    Raises what a job raised; RuntimeError when a worker was killed, for example for want of memory.
    """
    started = time.monotonic()
    n_workers = max(1, min(len(os.sched_getaffinity(0)), len(jobs)))
    context = multiprocessing.get_context("fork")
    shares = share_out(visible_gpus(), n_workers)
    own_gpus = context.SimpleQueue()
    for share in shares:
        own_gpus.put(share)
    executor = ProcessPoolExecutor(
        len(shares) or n_workers,
        mp_context=context,
        initializer=prepare_worker,
        initargs=(own_gpus if shares else None,),
    )
    try:
        futures = [executor.submit(function, job) for job in jobs]
        for n_done, future in enumerate(as_completed(futures), start=1):
            _result(future)
            _report(label, n_done, len(jobs), time.monotonic() - started)
        return [_result(future) for future in futures]
    except BrokenProcessPool as error:
        raise RuntimeError(
            f"{label}: a worker process was killed before it finished (out of memory?); free memory and run "
            "`dvc repro` again: finished stages are kept"
        ) from error
    finally:
        for worker in list((executor._processes or {}).values()):  # no public way to end running work in Python 3.11
            if sys.exc_info()[0] is not None:
                worker.terminate()
        executor.shutdown(cancel_futures=True)


def _result(future: "Future[Result]") -> Result:
    """The job's result; an error of our own code is raised anew from here, so that it reads as one clear line."""
    try:
        return future.result()
    except (ValueError, RuntimeError) as error:
        frames = [line for line in str(error.__cause__).splitlines() if line.lstrip().startswith("File ")]
        if isinstance(error, BrokenProcessPool) or not frames or "/stages/" not in frames[-1]:
            raise
        raise RuntimeError(str(error)) from error


def _report(label: str, n_done: int, n_jobs: int, seconds: float) -> None:
    left = seconds / n_done * (n_jobs - n_done)
    print(
        f"{label}: {n_done} of {n_jobs} done in {seconds:.0f} s, about {left:.0f} s left", file=sys.stderr, flush=True
    )
