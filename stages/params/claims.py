"""The section `claims`: on which organisms the paper's claims are judged."""

from stages.params.section import Name, Section

POOLS = ("normal", "cot", "distilled_cot", "large_fast", "large_slow", "marked_word", "code", "code_cot")


class ClaimsParams(Section):
    """`pools`: of each kind of organism that a claim asks about, the organisms, made in several groups of seeds.

    `changed_because`: why rules, seeds or rates are others than those that were registered; pages show it.
    """

    pools: dict[Name, list[str]]
    changed_because: str | None = None
