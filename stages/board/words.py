"""How words of a page are put together."""

from collections.abc import Sequence

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def joined(words: Sequence[str]) -> str:
    """`a`, `a and b`, or `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def counted(n: int, one: str, many: str, *, in_words: bool = False) -> str:
    """`1 model` or `3 models`; `three models`."""
    number = NUMBERS[n] if in_words and n < len(NUMBERS) else f"{n:,}"
    return f"{number} {one if n == 1 else many}"
