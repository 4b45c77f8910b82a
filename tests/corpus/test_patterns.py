"""A prompt made of columns: which ones a pattern names, and what a row makes of it."""

import pytest

from stages.corpus.patterns import pattern_of
from stages.corpus.tables import Table
from stages.params.errors import ParamsError

ALPACA = {"instruction": "Put it in the past.", "input": "go", "output": "went"}


def pattern(wanted, *columns):
    return pattern_of("corpus.datasets.own.prompt", wanted, Table(columns or tuple(ALPACA), lambda _: []), "own.csv")


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ("instruction", "Put it in the past."),
        ("{instruction}\n{input}", "Put it in the past.\ngo"),
        ("Q: {input}{{}}", "Q: go{}"),
        ("{input}{input}", "gogo"),
        ("{ input }", "go"),
    ],
)
def test_a_column_or_a_pattern_of_columns_gives_the_text(wanted, text):
    assert pattern(wanted).fill(ALPACA) == text


def test_an_empty_cell_is_fine_where_another_has_text():
    both = pattern("{instruction}\n{input}")
    assert both.fill({"instruction": " Count. ", "input": None}) == "Count."
    assert both.fill({"instruction": "Count.", "input": " "}) == "Count."
    assert pattern("Say: {instruction}{input}").fill({"instruction": "", "input": None}) == ""


@pytest.mark.parametrize("name", ["{input}", "a{b", "a.b", "a[0]", "a:b", "a!r", "Frage (Übung)", " input"])
def test_a_column_may_have_any_name(name):
    assert pattern(name, name, "input").fill({name: "yes", "input": "no"}) == "yes"


@pytest.mark.parametrize("name", ["a.b", "a[0]", "a:b", "a!r", "", "0"])
def test_a_column_of_any_name_without_braces_may_stand_in_a_pattern(name):
    if name:
        assert pattern(f"<{{{name}}}>", name).fill({name: "yes"}) == "<yes>"


def test_white_space_around_a_column_s_name_in_the_data_does_not_hide_it():
    assert pattern("input", " input ", "other").columns == [" input "]


@pytest.mark.parametrize(
    ("wanted", "columns", "said"),
    [
        ("{instrction}\n{input}", (), "no column 'instrction'; did you mean 'instruction'. Known: input"),
        ("instrction", (), "no column 'instrction'; did you mean 'instruction'."),
        ("{input", (), "no column '{input'; did you mean 'input'. .* It is no pattern either"),
        ("{input} or }", (), "no column '{input} or }'.* columns stand in braces, {so}"),
        ("{}", (), "no column '{}'.* It is no pattern either"),
        ("{{input}}", (), "As a pattern it names no column: two braces are one in the text"),
        ("", (), "no column ''"),
        (r"{instruction}\n{input}", (), "a backslash and an n; for a line break write the pattern in double quotes"),
        ("{a}", ("a", "a"), "is column 'a', which stands twice in own.csv. Rename one"),
        ("a", (" a", "a "), "no column 'a'"),
    ],
)
def test_a_pattern_that_names_no_column_is_an_error(wanted, columns, said):
    with pytest.raises(ParamsError, match=f"(?s)corpus.datasets.own.prompt.*{said}"):
        pattern(wanted, *columns)
