"""How numbers are written."""

from dataclasses import replace

from stages.board.columns import RELEARNING, fixed, models_text, share_text, signed
from stages.board.numbers import cite, compact, rate_text, slug
from stages.board.rows import build_board
from stages.records.counts import Hits
from stages.scoring.statistics import exact_share
from tests.board.test_rows import load
from tests.board.toys import Benchmark


def test_unknown_is_a_dash_and_no_zero_is_negative() -> None:
    assert fixed(None, 1) == "–"
    assert fixed(-0.001, 2) == "0.00"
    assert fixed(-1.25, 1) == "\N{MINUS SIGN}1.2"


def test_a_difference_carries_its_sign() -> None:
    assert [signed(value) for value in (0.25, -0.25, 0.001, None)] == ["+0.25", "\N{MINUS SIGN}0.25", "0.00", "–"]


def test_a_rate_of_one_model_carries_wilson_bounds_and_counts() -> None:
    # Wilson bounds of 3 of 4, worked by hand: 0.3006 and 0.9544.
    assert rate_text(Hits(3, 4)) == ("75.0", "[30.1, 95.4] · 3/4")


def test_a_rate_without_a_valid_answer_is_a_dash() -> None:
    assert rate_text(Hits(0, 0)) == ("–", "no valid answer")


def test_a_share_of_models_is_k_of_n_with_its_exact_interval_and_a_dash_without_models() -> None:
    assert share_text(exact_share(0, 8)) == ("0 of 8", "[0.0, 36.9]%")
    assert share_text(exact_share(0, 0)) == ("–", "")
    assert models_text(dict.fromkeys(("removed", "broken"), exact_share(0, 0))) == "–"


def test_large_counts_are_short() -> None:
    assert [compact(value) for value in (0, 999, 123_456, 1_500_000)] == ["0", "999", "123 k", "1.5 M"]


def test_a_term_is_an_address() -> None:
    assert [slug(term) for term in ("False assurance", "Refusals, %", "A minus SFT")] == [
        "false-assurance",
        "refusals",
        "a-minus-sft",
    ]


def test_a_citation_becomes_a_link_and_the_rest_is_escaped() -> None:
    assert cite("<i> arXiv:1805.12185") == (
        '&lt;i&gt; <a href="https://arxiv.org/abs/1805.12185" rel="noreferrer">arXiv:1805.12185</a>'
    )


def test_relearning_is_called_never_only_where_no_seed_of_any_organism_got_there(several: Benchmark) -> None:
    row = build_board(load(several)).rows[0]
    metric = RELEARNING.metric
    # Two seeds of each organism are relearnt and make two blocks; all of them get there at step 4.
    assert (row.censored[metric], RELEARNING.mean(row), RELEARNING.bounds(row)) == ((0, 4), "4.0", "[4.0, 4.0]")
    some, none = (replace(row, censored={metric: Hits(n, 4)}) for n in (3, 4))
    assert (RELEARNING.mean(some), RELEARNING.bounds(some)) == ("≥ 4.0", "[4.0, 4.0]")
    assert RELEARNING.bounds(none) == "never within the grid"
