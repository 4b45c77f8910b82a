"""Whose turn it is: what is ready runs, up to a number of workers, the stage with the longest way to go first.

Each gets cores of its own, so that stages, which run their seeds side by side, and the workers never oversubscribe the
machine: the free cores are shared out among the stages that can start, so one that is alone gets all.
"""

import math
import time
from collections.abc import Callable, Collection, Sequence
from typing import Literal, NamedTuple, Protocol

from flows.commands import Command, StageFailed, StagesFailed
from flows.pipeline import Project

Outcome = Literal["unchanged", "cached", "executed", "failed", "skipped"]


class Progress(NamedTuple):
    """News of one stage: its outcome, or that it has started; `n_cores` of its own, 0 where they are elsewhere.

    `running` and `waiting` are what is left then.
    """

    stage: str
    outcome: Outcome | Literal["started"]
    n_done: int
    total: int
    seconds: float
    n_cores: int
    running: tuple[str, ...]
    waiting: tuple[str, ...]


class Runner(Protocol):
    """Runs commands, several at once."""

    def start(self, command: Command, cores: Collection[int]) -> None:
        """Start the command on those cores and return at once."""
        ...

    def wait(self) -> tuple[str, StageFailed | None]:
        """Wait until a command has ended: the name of its stage, and the error if it did not end well."""
        ...


class Workers(NamedTuple):
    """How many stages run at once, at least 1, and the cores that they share: none where they are elsewhere.

    `gpus`: stages that run models have one of these each; where none are named, they are not counted.
    """

    number: int
    cores: frozenset[int]
    gpus: tuple[str, ...] = ()


def run_stages(
    project: Project,
    plan: Sequence[str],
    runner: Runner,
    workers: Workers,
    *,
    force: bool = False,
    expected_seconds: Callable[[str], float] = lambda name: 1.0,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> dict[str, Outcome]:
    """Bring the stages of `plan` up to date; it holds what they need, each before what needs it.

    Returns every stage's outcome. Raises StagesFailed at the end if a stage failed.
    """
    run = _Run(project, expected_to_run(project, plan, force=force), runner, workers, force, on_progress)
    run.set_urgencies(expected_seconds)
    run.go()
    if run.failures:
        skipped = tuple(name for name in plan if run.outcomes.get(name) == "skipped")
        raise StagesFailed(tuple(run.failures[name] for name in plan if name in run.failures), skipped)
    return {name: run.outcomes.get(name, "unchanged") for name in plan}


def expected_to_run(project: Project, plan: Sequence[str], *, force: bool = False) -> list[str]:
    """Stages that changed, or need one that did. A few may turn out unchanged when their turn comes."""
    stale: set[str] = set()
    for name in plan:
        if force or not stale.isdisjoint(project.needs(name)) or _may_have_changed(project, name):
            stale.add(name)
    return [name for name in plan if name in stale]


def _may_have_changed(project: Project, name: str) -> bool:
    """Whether it has, or cannot be told: then it fails when its turn comes, and alone."""
    try:
        return project.has_changed(name)
    except StageFailed:
        return True


class _Run:
    """One run: what waits, what runs on which cores, what came of the rest."""

    def __init__(
        self,
        project: Project,
        stale: Sequence[str],
        runner: Runner,
        workers: Workers,
        force: bool,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.project, self.runner, self.workers, self.force, self.tell = project, runner, workers, force, on_progress
        self.waiting = list(stale)
        self.needs = {name: project.needs(name) & set(stale) for name in stale}
        self.urgency = dict.fromkeys(stale, 0.0)
        self.running: dict[str, tuple[float, frozenset[int]]] = {}
        self.gpus: dict[str, str] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.failures: dict[str, StageFailed] = {}

    def set_urgencies(self, expected_seconds: Callable[[str], float]) -> None:
        """The seconds of the longest way from each stage to an end of the graph, itself included."""
        longest_after = dict.fromkeys(self.waiting, 0.0)
        for name in reversed(self.waiting):
            self.urgency[name] = expected_seconds(name) + longest_after[name]
            for above in self.needs[name]:
                longest_after[above] = max(longest_after[above], self.urgency[name])

    def go(self) -> None:
        while self.waiting or self.running:
            while turn := self._next():
                self._begin(turn)
            if self.running:
                self._finish(*self.runner.wait())

    def _ready(self) -> list[str]:
        """What waits for no other stage, the most urgent first; equals in the order of the plan."""
        ready = [name for name in self.waiting if self.needs[name] <= set(self.outcomes)]
        return sorted(ready, key=lambda name: -self.urgency[name])

    def _next(self) -> str | None:
        has_room = len(self.running) < self.workers.number and (self._free_cores() or not self.workers.cores)
        ready = self._ready() if has_room else []
        return next((name for name in ready if not self._wants_gpu(name) or self._free_gpus()), None)

    def _wants_gpu(self, name: str) -> bool:
        return bool(self.workers.gpus) and self.project.runs_models(name)

    def _free_gpus(self) -> list[str]:
        return [gpu for gpu in self.workers.gpus if gpu not in self.gpus.values()]

    def _free_cores(self) -> list[int]:
        return sorted(self.workers.cores.difference(*(cores for _, cores in self.running.values())))

    def _begin(self, name: str) -> None:
        self.waiting.remove(name)
        started = time.monotonic()
        if any(self.outcomes[above] in ("failed", "skipped") for above in self.needs[name]):
            self._note(name, "skipped", started)
            return
        try:
            if not self.force and not self.project.has_changed(name):
                self._note(name, "unchanged", started)
            elif (command := self.project.begin(name, force=self.force)) is None:
                self._note(name, "cached", started)
            else:
                cores = self._share(name)
                self.running[name] = (started, cores)
                if self._wants_gpu(name):
                    self.gpus[name] = self._free_gpus()[0]
                    command = command.on_gpu(self.gpus[name])
                self._tell(name, "started", started, cores)
                self.runner.start(command, cores)
        except StageFailed as failure:
            self._fail(name, failure, started)

    def _share(self, name: str) -> frozenset[int]:
        """The next stage's part of the free cores; the fewer can start beside it, the more.

        What is left over goes to it, because it is the most urgent.
        """
        free, ready = self._free_cores(), self._ready()
        without_gpu = sum(map(self._wants_gpu, ready)) - (len(self._free_gpus()) - self._wants_gpu(name))
        starting = min(1 + len(ready) - max(0, without_gpu), self.workers.number - len(self.running))
        return frozenset(free[: math.ceil(len(free) / starting)])

    def _finish(self, name: str, failure: StageFailed | None) -> None:
        started, cores = self.running.pop(name)
        self.gpus.pop(name, None)
        try:
            if failure:
                raise failure
            self.project.finish(name)
        except StageFailed as error:
            self._fail(name, error, started)
        else:
            self._note(name, "executed", started, cores)

    def _fail(self, name: str, failure: StageFailed, started: float) -> None:
        self.running.pop(name, None)
        self.gpus.pop(name, None)
        self.failures[name] = failure
        self._note(name, "failed", started)

    def _note(self, name: str, outcome: Outcome, started: float, cores: Collection[int] = ()) -> None:
        self.outcomes[name] = outcome
        self._tell(name, outcome, started, cores)

    def _tell(self, name: str, outcome: Outcome | Literal["started"], started: float, cores: Collection[int]) -> None:
        n_done = len(self.outcomes)
        total, seconds = n_done + len(self.running) + len(self.waiting), time.monotonic() - started
        left = tuple(self.running), tuple(self.waiting)
        self.tell(Progress(name, outcome, n_done, total, seconds, len(cores), *left))
