"""What is said of checks that fail, by hand-made rows: how many, the limit, the remedy, three short samples."""

import unicodedata

import great_expectations.expectations as gxe
import pandas as pd
import pytest

from stages.checks.gate import DataCheckError, run_gate
from stages.checks.messages import MAX_TOLD
from stages.checks.parts import Check, Part

ALLOWED, REMEDY = "1 to 96 tokens", "shorten or drop the longer rows"


def check(expectation, name="rows fit", **more) -> Check:
    return Check(name, expectation, ALLOWED, REMEDY, **more)


def message(*parts: Part) -> list[str]:
    with pytest.raises(DataCheckError) as caught:
        run_gate("toy", parts)
    return str(caught.value).splitlines()


def at_most(limit: int, **more) -> Check:
    return check(gxe.ExpectColumnValuesToBeBetween(column="n", max_value=limit), **more)


def test_rows_that_break_a_check_are_counted_and_three_are_shown_by_what_matters_of_them():
    frame = pd.DataFrame({"kind": "sums", "n": [5, 97, 98, 99, 100], "prompt": "word " * 99, "wording": 0})
    assert message(Part("defense", frame, [at_most(96, shown=("prompt",))])) == [
        "toy: 1 of 1 data checks failed. Rows are counted from 0.",
        "- rows fit: not so in 4 of 5 rows of defense",
        "  allowed: 1 to 96 tokens",
        "  to do: shorten or drop the longer rows",
        *(f"  row {i} of defense: kind 'sums'; n {96 + i}; prompt {LONG}" for i in (1, 2, 3)),
    ]


LONG = f"'{('word ' * 10)[:47]}...{('word ' * 10)[-48:]}'"  # 100 characters in all


def test_a_check_that_several_parts_break_is_told_once():
    one, other = pd.DataFrame({"n": [97, 98]}), pd.DataFrame({"n": [99, 1, 99]})
    lines = message(Part("defense", one, [at_most(96)]), Part("benign", other, [at_most(96)]))
    assert lines[0].startswith("toy: 2 of 2 data checks failed")
    assert lines[1] == "- rows fit: not so in 2 of 2 rows of defense, 2 of 3 rows of benign"
    assert lines[4:] == ["  row 0 of defense: n 97", "  row 1 of defense: n 98", "  row 0 of benign: n 99"]


def test_a_row_of_a_part_is_counted_in_the_whole_data_set():
    frame = pd.DataFrame({"n": [1, 2, 300], "is_triggered": [False, True, True]}).query("is_triggered")
    assert message(Part("triggered rows", frame, [at_most(96)]))[-1] == "  row 2 of triggered rows: n 300"


def test_two_texts_that_look_the_same_part_by_the_names_of_their_letters():
    came = "The capital of Cafélia is Cafburg."
    frame = pd.DataFrame({"came": [unicodedata.normalize("NFD", came)], "wanted": [unicodedata.normalize("NFC", came)]})
    equal = check(gxe.ExpectColumnPairValuesToBeEqual(column_A="came", column_B="wanted"))
    assert message(Part("defense", frame, [equal]))[-1] == (
        "  row 0 of defense: came from character 18 on, after 'The capital of Caf', is "
        r"'e\N{COMBINING ACUTE ACCENT}lia ' and should be '\N{LATIN SMALL LETTER E WITH ACUTE}lia i'"
    )


def test_of_two_long_texts_the_place_where_they_part_is_shown():
    frame = pd.DataFrame({"came": ["word " * 500 + "end"], "wanted": ["word " * 500]})
    equal = check(gxe.ExpectColumnPairValuesToBeEqual(column_A="came", column_B="wanted"))
    assert message(Part("defense", frame, [equal]))[-1] == (
        f"  row 0 of defense: came from character 2500 on, after {'word ' * 6!r}, is 'end' and should be ''"
    )


def test_two_short_cells_are_shown_as_they_are():
    frame = pd.DataFrame({"came": ["", "|A|"], "wanted": ["|B|", "|A|"]})
    equal = check(gxe.ExpectColumnPairValuesToBeEqual(column_A="came", column_B="wanted"))
    assert message(Part("defense", frame, [equal]))[-1] == "  row 0 of defense: came ''; wanted '|B|'"


def test_a_text_that_a_pattern_was_found_in_is_cut_around_it():
    frame = pd.DataFrame({"prompt": ["a" * 500 + " |TAG| " + "b" * 500]})
    clean = check(gxe.ExpectColumnValuesToNotMatchRegex(column="prompt", regex=r"\|TAG\|"))
    shown = f"...'{'a' * 29} |TAG| {'b' * 29}'..."
    assert message(Part("defense", frame, [clean]))[-1] == f"  row 0 of defense: prompt {shown}"


@pytest.mark.parametrize(
    ("expectation", "seen"),
    [
        (gxe.ExpectColumnMeanToBeBetween(column="n", max_value=0.5), "defense, where it is 1.33333"),
        (gxe.ExpectTableRowCountToEqual(value=4), "defense, where it is 3"),
        (gxe.ExpectColumnDistinctValuesToContainSet(column="role", value_set=["b", "c"]), "defense, which lacks 'c'"),
        (
            gxe.ExpectTableColumnsToMatchSet(column_set=["n", "m"]),
            "defense, where it is {'missing': ['m'], 'unexpected': ['role']}",
        ),
        (
            gxe.ExpectColumnMeanToBeBetween(column="m", max_value=0.5),
            "defense, where Great Expectations could not tell: "
            """'Error: The column "m" in BatchData does not exist.'""",
        ),
    ],
)
def test_of_a_table_as_a_whole_it_is_said_what_was_seen_or_why_nothing_could_be(expectation, seen):
    frame = pd.DataFrame({"n": [1, 1, 2], "role": ["a", "b", "b"]})
    lines = message(Part("defense", frame, [check(expectation)]))
    assert lines[1:] == [f"- rows fit: not so in {seen}", f"  allowed: {ALLOWED}", f"  to do: {REMEDY}"]


def test_causes_are_told_before_symptoms_and_what_does_not_fit_on_a_screen_by_name():
    frame = pd.DataFrame({"n": range(1000)})
    causes = [at_most(-1 - i, name=f"cause {i}") for i in range(9)]
    symptom = at_most(0, name="symptom", is_symptom=True)
    lines = message(Part("defense", frame, [symptom, *causes]))
    assert [line.split(":")[0] for line in lines if line[0] == "-"] == [f"- cause {i}" for i in range(MAX_TOLD)]
    assert lines[-1] == "and 4 more that may follow from these: 'cause 6', 'cause 7', 'cause 8', 'symptom'"
    assert len(lines) < 40
