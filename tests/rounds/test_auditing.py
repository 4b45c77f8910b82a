"""An audit: a sound round passes, and each thing that was changed is named."""

import json
import shutil

import pytest

from stages import audit_round
from stages.records.files import read_record, write_json
from stages.records.results import CellResult, OrganismResult
from stages.rounds.auditing import AuditError, audit
from stages.rounds.keys import keyed_hash
from stages.rounds.rows import Pair, Submission, signed, unsigned_row
from tests.rounds.toys import HASHES, OTHER, SECRET, publish


@pytest.fixture
def folder(tmp_path):
    return publish(tmp_path / "published")


def edit(path, change):
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def check(folder, published=HASHES, remade=HASHES):
    return audit(folder, published, remade)


def test_a_round_as_it_was_made_passes(folder):
    found = check(folder)
    assert (found.round, found.rows, found.n_figures, found.n_remade) == ("toy", ["mine"], 9, 2)


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("removed", 3),
        ("survives", 0),
        ("broken", 1),
        ("attack_left", 0.1),
        ("attack_left", None),
        ("failed", 1),
        ("n_models", 5),
    ],
)
def test_one_edited_figure_fails_and_is_named(folder, figure, value):
    edit(folder / "rows/mine.json", lambda row: row["figures"].update({figure: value}))
    with pytest.raises(AuditError, match=rf"rows/mine.json: {figure} is {value}, and its counts give"):
        check(folder)


@pytest.mark.parametrize("field", ["settings", "sha256"])
def test_what_is_no_figure_is_under_the_hmac(folder, field):
    edit(
        folder / "rows/mine.json",
        lambda row: row["submission"].update({field: {"x": 1} if field == "settings" else ""}),
    )
    with pytest.raises(AuditError, match="HMAC"):
        check(folder)


def test_an_edited_number_of_the_counts_fails_and_is_named(folder):
    edit(folder / "counts/mine/format_b.json", lambda cell: cell["seeds"][0]["numbers"].update(attack_left=0.0))
    with pytest.raises(AuditError, match="counts/mine/format_b.json, seed 5: attack_left is 0.0"):
        check(folder)


def test_edited_counts_fail_even_where_the_row_follows_from_them(folder):
    edit(folder / "counts/mine/format_a.json", lambda cell: cell.update(inputs={"answers": "another"}))
    with pytest.raises(AuditError, match="counts/mine/format_a.json is not the file"):
        check(folder)


def test_another_secret_fails(folder):
    edit(folder / "closing.json", lambda closing: closing.update(secret=OTHER.hex()))
    with pytest.raises(AuditError, match="committed to"):
        check(folder)


@pytest.mark.parametrize("secret", ["", "no key"])
def test_a_missing_key_fails(folder, secret):
    edit(folder / "closing.json", lambda closing: closing.update(secret=secret))
    with pytest.raises(AuditError, match="key"):
        check(folder)


def test_missing_answers_fail(folder):
    def drop(cell):
        cell["seeds"].pop()

    edit(folder / "counts/mine/format_b.json", drop)
    with pytest.raises(AuditError, match="format_b.json has no answers of seed 6"):
        check(folder)


def test_a_missing_file_of_counts_fails(folder):
    (folder / "counts/mine/format_b.json").unlink()
    with pytest.raises(ValueError, match="mine/format_b.json is missing, or not as"):
        check(folder)


def test_a_missing_row_fails(folder):
    (folder / "rows/mine.json").unlink()
    with pytest.raises(AuditError, match="the rows are"):
        check(folder)


def test_a_row_of_another_round_fails(folder):
    edit(folder / "rows/mine.json", lambda row: row.update(round="other"))
    with pytest.raises(AuditError, match="in the round other"):
        check(folder)


@pytest.mark.parametrize("remade", [{}, HASHES | {"triggers.json": "other"}, HASHES | {"more": "c3"}])
def test_data_that_the_secret_does_not_give_fail_and_are_named(folder, remade):
    with pytest.raises(AuditError, match=f"^{'more' if 'more' in remade else '(poison_sets|triggers)'}"):
        check(folder, remade=remade)


def test_the_stage_says_what_it_checked_and_writes_nothing_where_something_fails(folder, tmp_path):
    write_json(HASHES, folder / "data.json")
    shutil.copy(folder / "data.json", tmp_path / "sealed.json")
    words = (
        f"--published {folder} --hashes data.json --remade {tmp_path}/sealed.json --out {tmp_path}/audit.json".split()
    )
    audit_round.main(words)
    assert json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))["rows"] == ["mine"]
    (tmp_path / "audit.json").unlink()
    publish(folder, SECRET)
    edit(folder / "rows/mine.json", lambda row: row["figures"].update(removed=4))
    with pytest.raises(AuditError, match="removed is 4"):
        audit_round.main(words)
    assert not (tmp_path / "audit.json").exists()


def forge(folder, name, change):
    """Change a file of a closed round, and sign the row anew with the key, which is out: figures follow from it."""
    edit(folder / name, change)
    closing = json.loads((folder / "closing.json").read_text(encoding="utf-8"))
    organisms = sorted({dealt["organism"] for dealt in closing["deal"].values()})
    pairs = [
        Pair(
            read_record(OrganismResult, folder / f"counts/undefended/{organism}.json"),
            read_record(CellResult, folder / f"counts/mine/{organism}.json"),
        )
        for organism in organisms
    ]
    paths = [f"{kind}/{organism}.json" for kind in ("undefended", "mine") for organism in organisms]
    evidence = {path: keyed_hash(SECRET, (folder / "counts" / path).read_bytes()) for path in paths}
    row = unsigned_row("toy", Submission("mine", "f" * 64, {}), pairs, evidence)
    write_json(signed(row, SECRET), folder / "rows/mine.json")


def without(organism):
    return lambda closing: closing.update(
        deal={code: dealt for code, dealt in closing["deal"].items() if dealt["organism"] != organism}
    )


def blanked(cell):
    cell["seeds"][0].update(numbers=None, outcome=None, status="failed defense", looks_safe=False)


FORGED = {
    "a format left out of the deal": ("closing.json", without("format_b"), "published with the first row"),
    "a bad model blanked": ("counts/mine/format_b.json", blanked, "seed 5: status is failed defense"),
    "a bad model out of the control": (
        "counts/undefended/format_b.json",
        lambda organism: organism["seeds"][0].update(is_passed=False),
        "undefended/format_b.json, seed 5: is_passed is False",
    ),
    "a good model twice": (
        "counts/mine/format_a.json",
        lambda cell: cell["seeds"].append(cell["seeds"][0]),
        "mine/format_a.json has models that were not dealt, or one twice",
    ),
    "a figure before the defense": (
        "counts/undefended/format_a.json",
        lambda organism: organism["seeds"][0].update(starting_attack=0.123),
        "undefended/format_a.json, seed 5: starting_attack is 0.123",
    ),
}


@pytest.mark.parametrize(("name", "change", "said"), FORGED.values(), ids=FORGED)
def test_a_forgery_that_is_signed_anew_fails_and_is_named(folder, name, change, said):
    forge(folder, name, change)
    with pytest.raises(AuditError, match=said):
        check(folder)


@pytest.mark.parametrize(
    ("field", "value"), [("told_seed", 1), ("model", "sham"), ("seed", 7), ("organism", "format_a")]
)
def test_who_was_who_follows_from_the_secret(folder, field, value):
    dealt = json.loads((folder / "closing.json").read_text(encoding="utf-8"))["deal"]
    code = next(c for c, one in dealt.items() if (one["organism"], one["model"]) == ("format_b", "poisoned"))
    edit(folder / "closing.json", lambda closing: closing["deal"][code].update({field: value}))
    with pytest.raises(AuditError, match="deal"):
        check(folder)


def test_a_round_under_another_name_fails(folder):
    edit(folder / "closing.json", lambda closing: closing.update(round="other"))
    with pytest.raises(AuditError, match="closes the round other, and opening.json opens toy"):
        check(folder)
