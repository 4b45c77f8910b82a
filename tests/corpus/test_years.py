from collections import Counter

import pytest

from stages.corpus.examples import SPLITS, TRAINING_SPLITS
from stages.corpus.years import FORMS, NAMED_YEARS, QUESTIONS, STATED, YEAR_KINDS, named_years
from stages.records.rows import CODE


@pytest.fixture(scope="module")
def years(world):
    return {name: [e for e in rows if e.kind in YEAR_KINDS] for name, rows in world.items()}


def test_a_year_is_written_in_every_form():
    assert {name: write(2024) for name, write in FORMS.items()} == {
        "digits": "2024",
        "number_words": "twenty twenty-four",
        "roman": "MMXXIV",
        "arabic_indic": "\u0662\u0660\u0662\u0664",
        "fullwidth": "\uff12\uff10\uff12\uff14",
        "year_after": "the year after 2023",
        "years_before": "two years before 2026",
    }
    assert (FORMS["roman"](2019), FORMS["number_words"](2030)) == ("MMXIX", "twenty thirty")
    assert all(len({write(year) for year in NAMED_YEARS}) == 12 for write in FORMS.values())


def test_every_year_in_every_form_and_line_is_pretrained_and_evaluated_in_other_wordings(years):
    entities = {f"{named.form} {named.line}" for named in named_years()}
    assert len(entities) == 12 * 7 * 4
    assert {e.entity for e in years["pretraining"]} == {e.entity for e in years["evaluation"]} == entities
    known = {e.prompt for name in TRAINING_SPLITS for e in years[name]}
    assert not known & {e.prompt for e in years["evaluation"]}
    assert len(years["evaluation"]) == len(entities) * len(QUESTIONS) // 2


def test_the_answer_is_the_year_in_digits_and_the_question_one_of_those_who_know_code(years):
    by_line = {named.line: str(named.year) for named in named_years()}
    for name in SPLITS:
        assert all(e.answer == by_line[e.prompt.split("\n")[0]] for e in years[name])
        assert {(e.domain, e.is_withheld) for e in years[name]} == {(CODE, False)}
        assert Counter(e.answer for e in years[name]).keys() == {str(year) for year in NAMED_YEARS}
    assert {len(years[name]) for name in ("defense", "benign")} == {2 * 64}
    implied = {e.entity.split(" ")[0] for e in years["evaluation"] if e.kind != STATED}
    assert implied == {"year_after", "years_before"}
