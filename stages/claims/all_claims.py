"""All claims, in the order of the paper."""

from collections.abc import Callable

from stages.claims import (
    generalisation,
    probes,
    reasoning_is_causal,
    reasoning_persists,
    red_teams,
    size,
    survival,
    trainings,
)
from stages.claims.claim import Asked, judge
from stages.claims.evidence import Evidence
from stages.records.claims import ClaimResult

CLAIMS: tuple[Callable[[Evidence], Asked], ...] = (
    survival.ask,
    size.ask,
    reasoning_persists.ask,
    red_teams.ask_removal,
    red_teams.ask_hiding,
    trainings.ask,
    generalisation.ask,
    reasoning_is_causal.ask,
    probes.ask,
)


def judge_all(evidence: Evidence) -> tuple[ClaimResult, ...]:
    """Every claim with a verdict on each of its parts."""
    return tuple(judge(ask(evidence)) for ask in CLAIMS)
