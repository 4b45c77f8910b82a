"""The section `judging`: what decides about answers, beside the backdoors' own judges."""

from stages.params.section import Section


class JudgingParams(Section):
    """`refusals`: the judge of refusals, a file in stages/scoring/refusals/."""

    refusals: str
