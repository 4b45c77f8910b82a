"""The pages of the paper's claims: one that has them all in a line each, and one a claim with its parts and figures."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from markupsafe import Markup

from stages.board import columns
from stages.board.charts import ForestRow, forest
from stages.board.claim_words import NOT_TESTABLE, TONE_OF, sentence
from stages.board.environment import make_environment, render
from stages.records.claims import ClaimResult, Claims, Part
from stages.records.detections import Detections
from stages.records.files import read_record
from stages.scoring.statistics import exact_share

HALF = 0.5


class Controls(NamedTuple):
    """What a detector saw in the models of one cell, means over its seeds, beside what chance shows."""

    cell: str
    n: int
    near_miss: tuple[float, ...]
    clean: tuple[float, ...]
    held_out: float
    random_directions: float
    random_pairs: float


def claims_pages(
    claims: Claims, detections: Sequence[Detections], cells: Collection[str], alone: Mapping[str, str]
) -> dict[str, str]:
    """The content of `claims/index.html`, `claims/C1.html` and so on.

    `cells` have a page of their own; `alone` are organisms that serve the claims alone, with their names.
    """
    environment = make_environment()
    sentences = {claim.claim: sentence(claim) for claim in claims.claims}
    given = {"claims": claims, "sentences": sentences, "tones": TONE_OF, "not_testable": NOT_TESTABLE}
    pages = render(environment, "claims/index.html", "claims.html.j2", {**given, "alone": alone})
    for claim in claims.claims:
        of_claim = {
            "claim": claim,
            "cells": cells,
            "plot": plot(claim, sentences[claim.claim]),
            "halves": {part.name: at_least_half(part) for part in claim.parts} if claim.claim == "C1" else {},
            "controls": [controls(seen) for seen in detections if seen.seeds] if claim.claim == "C8" else [],
        }
        pages |= render(environment, f"claims/{claim.claim}.html", "claim.html.j2", given | of_claim)
    return pages


def load_detections(folder: Path) -> list[Detections]:
    """What detectors saw, by the names of the files. Raises ValueError where one is damaged."""
    return [read_record(Detections, path) for path in sorted(folder.glob("*.json"))]


def plot(claim: ClaimResult, label: str) -> Markup | None:
    """The forest plot of the parts that have an interval; None where none has."""
    rows = []
    for part in claim.parts:
        seen = part.interval or part.share
        if seen is None or seen.low is None or seen.high is None:
            continue
        mean = part.interval.mean if part.interval else part.share.k / part.share.n if part.share else 0.0
        rows.append(ForestRow(part.name, mean, seen.low, seen.high, TONE_OF[part.verdict]))
    thresholds = sorted({at for part in claim.parts for at in part.thresholds})
    values = {part.value for part in claim.parts}
    axis = values.pop() if len(values) == 1 else "what is taken of each part stands below"
    return forest(rows, thresholds, axis, label) if rows else None


def at_least_half(part: Part) -> str:
    """How many seeds have 0.5 or more, with the exact interval of their share."""
    values = part.values.values()
    k_of_n, bounds = columns.share_text(exact_share(sum(value >= HALF for value in values), len(values)))
    return f"{k_of_n} {bounds}".strip()


def controls(seen: Detections) -> Controls:
    """The means over the models of one cell."""
    models = list(seen.seeds.values())
    by_layer = list(zip(*(model.layers for model in models), strict=True))
    hits, trials = (sum(model.held_out[i] for model in models) for i in (0, 1))
    return Controls(
        seen.cell,
        len(models),
        tuple(fmean(each.near_miss for each in layer) for layer in by_layer),
        tuple(fmean(each.clean for each in layer) for layer in by_layer),
        hits / trials,
        fmean(model.random_directions for model in models),
        fmean(model.random_pairs for model in models),
    )
