"""From the questions of a claim to its parts with verdicts."""

from collections.abc import Sequence
from typing import NamedTuple

from stages.claims.decisions import (
    NOT_TESTABLE,
    UNDECIDED,
    Candidates,
    Estimate,
    Rule,
    ShareRule,
    estimate,
    seeds_needed,
    verdicts,
)
from stages.claims.evidence import Values
from stages.records.claims import ClaimResult, Part, Precondition
from stages.records.counts import Interval, SeedShare
from stages.scoring.statistics import exact_share, holm, share_interval


class Question(NamedTuple):
    """One part before its verdict: what is asked of the values of its seeds.

    `seen`: the estimate where it is no mean of the values, as between groups that are not paired. `is_share`: the
    values lie in [0, 1]. With a ShareRule they are 1 or 0. `reason`: why it cannot be tested, where that is known
    already; a precondition that must hold and does not is another.
    """

    name: str
    value: str
    rule: Rule | ShareRule
    thresholds: tuple[float, ...]
    values: Values
    must_hold: tuple[Precondition, ...] = ()
    preconditions: tuple[Precondition, ...] = ()
    seen: Estimate | None = None
    is_share: bool = False
    reason: str | None = None


class Asked(NamedTuple):
    """A claim with its questions."""

    claim: str
    title: str
    source: str
    questions: Sequence[Question]


def judge(asked: Asked) -> ClaimResult:
    """The claim with a verdict on each part: Holm's correction runs over those that can be tested."""
    reasons = [_why_not(question) for question in asked.questions]
    pairs = list(zip(asked.questions, reasons, strict=True))
    tests = [None if reason else _test(question) for question, reason in pairs]
    n_tested = sum(test is not None for test in tests)
    corrected = iter(holm([test.main.p_value for test in tests if test]))
    parts = [
        _part(question, reason, verdict, next(corrected) if test else None, n_tested)
        for (question, reason), test, verdict in zip(pairs, tests, verdicts(tests), strict=True)
    ]
    return ClaimResult(asked.claim, asked.title, asked.source, tuple(parts))


def _why_not(question: Question) -> str | None:
    if question.reason:
        return question.reason
    broken = [each.said for each in question.must_hold if not each.holds]
    if broken:
        return f"what it takes for granted does not hold: {'; '.join(broken)}"
    if not isinstance(question.rule, ShareRule) and _seen(question) is None:
        return f"{len(question.values.by_seed)} seeds have a value; three at least are needed"
    return None if question.values.by_seed else "no seed has a value"


def _seen(question: Question) -> Estimate | None:
    return question.seen or estimate(list(question.values.by_seed.values()))


def _test(question: Question) -> Candidates | None:
    if isinstance(question.rule, ShareRule):
        share = _share(question)
        return question.rule.test(share.k, share.n)
    seen = _seen(question)
    return None if seen is None else question.rule(seen)


def _share(question: Question) -> SeedShare:
    values = question.values.by_seed.values()
    return exact_share(sum(value > 0 for value in values), len(values))


def _needed(question: Question, n_tested: int) -> int | None:
    if isinstance(question.rule, ShareRule):
        share = _share(question)
        return question.rule.seeds_needed(share.k, share.n, n_tested)
    seen = _seen(question)
    return None if seen is None else seeds_needed(question.rule, seen, n_tested)


def _interval(question: Question) -> Interval | None:
    values = list(question.values.by_seed.values())
    if question.is_share and question.seen is None:
        return share_interval(values)
    seen = _seen(question)
    return None if seen is None else Interval(seen.mean, *seen.bounds(), seen.n)


def _part(question: Question, reason: str | None, verdict: str, p_value: float | None, n_tested: int) -> Part:
    is_share = isinstance(question.rule, ShareRule)
    is_open = reason is None and verdict == UNDECIDED
    return Part(
        name=question.name,
        value=question.value,
        verdict=NOT_TESTABLE if reason else verdict,
        interval=None if is_share else _interval(question),
        share=_share(question) if is_share else None,
        thresholds=question.thresholds,
        p_value=p_value,
        seeds_needed=_needed(question, n_tested) if is_open else None,
        reason=reason,
        preconditions=(*question.must_hold, *question.preconditions),
        values=question.values.by_seed,
        left_out=question.values.left_out,
        cells=question.values.cells,
    )
