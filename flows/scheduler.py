"""Whose turn it is: what is ready runs, up to a number of workers, the stage with the longest way to go first.

Each gets cores of its own, so that stages, which run their seeds side by side, and the workers never oversubscribe the
machine: the free cores are shared out among the stages that can start, so one that is alone gets all. Prefect's
`submit(wait_for=...)` knows neither: on our graph it takes 2% longer with 2 workers and 8 to 12% with 4 to 16.
"""

import math
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from flows.commands import Command, PipelineError, StageFailed
from flows.fingerprints import FINGERPRINT
from flows.pipeline import Project

Outcome = Literal["started", "unchanged", "cached", "executed", "failed", "skipped"]
Start = Callable[[Command, Collection[int]], "Future[None]"]  # runs a command on those cores; raises StageFailed
# Hears what became of a stage, in so many seconds, on so many cores of its own (0: they are elsewhere).
Tell = Callable[["Run", str, Outcome, float, int], object]


class Workers(NamedTuple):
    """How many stages run at once, at least 1; the cores that they share, if here; their GPUs, if counted."""

    number: int
    cores: frozenset[int] = frozenset()
    gpus: tuple[str, ...] = ()


class Turn(NamedTuple):
    """A stage that runs: since when, on which cores of its own and which GPU."""

    ended: "Future[None]"
    started: float
    cores: frozenset[int]
    gpu: str


@dataclass
class Run:
    """One run: what waits, what runs on which cores, what came of the rest."""

    project: Project
    start: Start
    workers: Workers
    force: bool = False
    allow_missing: bool = False
    expected_seconds: Callable[[str], float] = lambda name: 1.0
    tell: Tell = lambda run, name, outcome, seconds, n_cores: None
    waiting: list[str] = field(default_factory=list)
    running: dict[str, Turn] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    failures: dict[str, StageFailed] = field(default_factory=dict)
    rebuilt: set[str] = field(default_factory=set)

    def bring_up_to_date(self, plan: Sequence[str]) -> dict[str, Outcome]:
        """Run what must run of `plan`, which holds what its stages need, each before what needs it.

        Returns every stage's outcome. Raises PipelineError at the end if a stage failed. What code a stage depends on
        is known once the fingerprints are made, so they come first.
        """
        for part in [name for name in plan if name == FINGERPRINT], plan:
            self._run(part)
            while self.allow_missing and not self.failures and self._run(part):
                pass  # what came out may have changed what rests on it
        if self.failures:
            skipped = [name for name in plan if self.outcomes.get(name) == "skipped"]
            because = [f"not run because of that: {', '.join(skipped)}"] if skipped else []
            raise PipelineError("\n".join([*map(str, self.failures.values()), *because]))
        return {name: self.outcomes.get(name, "unchanged") for name in plan}

    def _run(self, part: Sequence[str]) -> bool:
        """Run what must run of a part of the plan, as far as can be told now; whether anything had to."""
        expected = expected_to_run(self.project, part, force=self.force, allow_missing=self.allow_missing)
        self.waiting = [name for name in expected if self.allow_missing or name not in self.outcomes]
        self.outcomes = {name: outcome for name, outcome in self.outcomes.items() if name not in self.waiting}
        self.needs = {name: self.project.needs(name) & {*expected, *self.outcomes} for name in self.waiting}
        self.urgency = self._urgencies()
        while self.waiting or self.running:
            while turn := self._next():
                self._begin(turn)
            wait([turn.ended for turn in self.running.values()], return_when=FIRST_COMPLETED)
            for name in [name for name, turn in self.running.items() if turn.ended.done()]:
                self._finish(name)
        return bool(expected)

    def _urgencies(self) -> dict[str, float]:
        """The seconds of the longest way from each stage to an end of the graph, itself included."""
        urgency = dict.fromkeys([*self.waiting, *self.outcomes], 0.0)
        for name in reversed(self.waiting):
            urgency[name] += self.expected_seconds(name)
            for above in self.needs[name]:
                urgency[above] = max(urgency[above], urgency[name])
        return urgency

    def _next(self) -> str | None:
        if len(self.running) == self.workers.number or (self.workers.cores and not self._free_cores()):
            return None
        return next((name for name in self._ready() if not self._wants_gpu(name) or self._free_gpus()), None)

    def _ready(self) -> list[str]:
        """What waits for no other stage, the most urgent first; equals in the order of the plan."""
        ready = [name for name in self.waiting if self.needs[name] <= self.outcomes.keys()]
        return sorted(ready, key=lambda name: -self.urgency[name])

    def _wants_gpu(self, name: str) -> bool:
        return bool(self.workers.gpus) and self.project.runs_models(name)

    def _free_gpus(self) -> list[str]:
        return [gpu for gpu in self.workers.gpus if gpu not in [turn.gpu for turn in self.running.values()]]

    def _free_cores(self) -> list[int]:
        return sorted(self.workers.cores.difference(*(turn.cores for turn in self.running.values())))

    def _begin(self, name: str) -> None:
        self.waiting.remove(name)
        if any(self.outcomes[above] in ("failed", "skipped") for above in self.needs[name]):
            return self._note(name, "skipped")
        allow_missing = self.allow_missing and name != FINGERPRINT
        if not self.force and not self.project.has_changed(name, allow_missing=allow_missing):
            is_read = any(name in self.needs[other] for other in self.waiting)
            if not (allow_missing and is_read and self.project.lacks_outputs(name)):
                return self._note(name, "unchanged")
            self.rebuilt.add(name)
        try:
            command = self.project.begin(name, force=self.force)
        except StageFailed as failure:
            return self._fail(name, failure)
        if command is None:
            return self._note(name, "cached")
        cores, gpu = self._share(name), ""
        if self._wants_gpu(name):
            gpu = self._free_gpus()[0]
            command = command._replace(environment={**command.environment, "CUDA_VISIBLE_DEVICES": gpu})
        self.running[name] = Turn(self.start(command, cores), time.monotonic(), cores, gpu)
        self.tell(self, name, "started", 0.0, len(cores))

    def _share(self, name: str) -> frozenset[int]:
        """The next stage's part of the free cores; the fewer can start beside it, the more.

        What is left over goes to it, because it is the most urgent.
        """
        free, beside = self._free_cores(), self._ready()
        without_gpu = sum(map(self._wants_gpu, beside)) - (len(self._free_gpus()) - self._wants_gpu(name))
        starting = min(1 + len(beside) - max(0, without_gpu), self.workers.number - len(self.running))
        return frozenset(free[: math.ceil(len(free) / starting)])

    def _finish(self, name: str) -> None:
        turn = self.running.pop(name)
        seconds = time.monotonic() - turn.started
        try:
            turn.ended.result()
            self.project.finish(name, is_rebuilt=name in self.rebuilt)
        except StageFailed as failure:
            self._fail(name, failure, seconds)
        else:
            self._note(name, "executed", seconds, len(turn.cores))

    def _fail(self, name: str, failure: StageFailed, seconds: float = 0.0) -> None:
        self.failures[name] = failure
        self._note(name, "failed", seconds)

    def _note(self, name: str, outcome: Outcome, seconds: float = 0.0, n_cores: int = 0) -> None:
        self.outcomes[name] = outcome
        self.tell(self, name, outcome, seconds, n_cores)


def expected_to_run(
    project: Project, plan: Sequence[str], *, force: bool = False, allow_missing: bool = False
) -> list[str]:
    """Stages that changed, or need one that did. A few may turn out unchanged when their turn comes.

    That the fingerprints are made anew says nothing yet: only what a stage reads of them does. With `allow_missing`,
    that files of the lock are not here is no change; they are made again where a stage that must run reads them. What
    needs a changed stage is then not foreseen: it is looked at again once that has run.
    """
    if allow_missing:
        run = {name for name in plan if project.has_changed(name, allow_missing=name != FINGERPRINT)}
        for name in reversed(plan):
            if name in run:
                run |= {above for above in project.needs(name) if project.lacks_outputs(above)}
        return [name for name in plan if name in run]
    stale: dict[str, None] = {}  # in order
    for name in plan:
        if force or stale.keys() & (project.needs(name) - {FINGERPRINT}) or project.has_changed(name):
            stale[name] = None
    return list(stale)
