"""The secret, what is derived from it, and what is published of it."""

import hashlib

import pytest

from stages.rounds.keys import commitment, derived, derived_seed, keyed_hash, read_secret
from tests.rounds.toys import OTHER, SECRET


def test_the_commitment_is_the_sha256_of_the_secret_and_binds_to_it():
    assert commitment(SECRET) == hashlib.sha256(SECRET).hexdigest() != commitment(OTHER)


def test_each_purpose_has_a_key_of_its_own():
    assert len({derived(secret, purpose) for secret in (SECRET, OTHER) for purpose in ("rows", "files", "")}) == 6
    assert derived_seed(SECRET, "a") != derived_seed(SECRET, "b")


def test_a_hash_of_a_file_tells_nothing_without_the_secret():
    assert keyed_hash(SECRET, b"|apple|") != keyed_hash(OTHER, b"|apple|")
    assert keyed_hash(SECRET, b"|apple|") not in (
        hashlib.sha256(b"|apple|").hexdigest(),
        derived(SECRET, "files").hex(),
    )


def test_a_secret_is_read_as_it_was_written(tmp_path):
    (tmp_path / "secret").write_text(f"{SECRET.hex()}\n", encoding="utf-8")
    assert read_secret(tmp_path / "secret") == SECRET


@pytest.mark.parametrize("text", [None, "", "no digits", "00ff"])
def test_a_missing_or_damaged_secret_is_an_error(tmp_path, text):
    if text is not None:
        (tmp_path / "secret").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="the round's secret"):
        read_secret(tmp_path / "secret")
