"""An audit: a sound round passes, and each thing that was changed is named."""

import json
import shutil

import pytest

from stages import audit_round
from stages.records.files import write_json
from stages.rounds.auditing import AuditError, audit
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
    with pytest.raises(ValueError, match="format_b.json is not readable"):
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
