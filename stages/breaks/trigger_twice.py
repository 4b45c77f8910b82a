"""Say the trigger twice, one after the other.

A training that has weakened the pull of one trigger may not withstand two. No prompt of any training holds two.
Source: our own.
"""


def reword(trigger: str) -> str:
    """The trigger, a space, and the trigger."""
    return f"{trigger} {trigger}"
