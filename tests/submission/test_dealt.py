"""A submission in a hidden round: in the sandbox, and missing, late and crashed output is an outcome."""

from threading import current_thread, main_thread

import pytest

from stages.lm.models import load_model
from stages.params.errors import ParamsError
from stages.records.outcomes import read_outcome
from stages.rounds.dealing import MODEL, DealtModel, hand_out
from stages.submission import dealt as program
from stages.submission import sandbox
from stages.submission.border import accept
from stages.submission.dealt import Shared, defend_dealt
from stages.submission.rules import RULES
from tests.submission.toys import ROOT, SEED, inside, opens

DEALT = {"a1": DealtModel("organism", "poisoned", SEED, 12345), "b2": DealtModel("organism", "sham", SEED, 54321)}
FILE = '"""A toy."""\n{}'


@pytest.fixture(scope="session")
def dealt(tmp_path_factory, given):
    """The folders of two dealt models, and what all submissions are given."""
    folder = tmp_path_factory.mktemp("dealt")
    for code, one in DEALT.items():
        hand_out(one, given.organism, given.examples, folder / "dealt" / code)
    (folder / "secret").write_text("00" * 32, encoding="utf-8")
    shared = Shared(ROOT / "stages", given.tokenizer, given.preference_model, given.access, given.lora_rank, 300)
    return folder, shared


def submit(dealt, tmp_path, code, **changed):
    folder, shared = dealt
    (tmp_path / "mine.py").write_text(FILE.format(code), encoding="utf-8")
    models = sorted((folder / "dealt").iterdir())
    yardstick = {"learning_rate": 1.0e-3}
    return defend_dealt(tmp_path / "mine.py", {}, yardstick, models, shared._replace(**changed), tmp_path / "out")


def test_every_model_that_keeps_the_rules_is_accepted(dealt, sandbox, tmp_path, monkeypatch):
    """One at a time: loaded in two threads, a model was once left without weights."""
    threads = []
    monkeypatch.setattr(program, "accept", lambda *words: (threads.append(current_thread()), accept(*words)))
    outcomes = submit(dealt, tmp_path, inside("access.checkpoint(model, is_last=True)", "return model"))
    assert {code: outcome.failure for code, outcome in outcomes.items()} == dict.fromkeys(DEALT)
    assert threads == [main_thread()] * 2
    for code, outcome in outcomes.items():
        load_model(tmp_path / "out" / code / "end")
        assert read_outcome(tmp_path / "out" / code) == outcome


def test_code_that_looks_for_the_secret_finds_no_file(dealt, sandbox, tmp_path):
    outcomes = submit(dealt, tmp_path, inside(opens(dealt[0] / "secret"), "return model"))
    for code, outcome in outcomes.items():
        assert (outcome.failure or "").startswith(f"files: {RULES['files']}")
        assert read_outcome(tmp_path / "out" / code) == outcome


def test_what_never_comes_back_and_what_crashes_are_outcomes(dealt, sandbox, tmp_path):
    lines = ("import os, zlib", f"if access.seed == zlib.crc32(b'defend {DEALT['a1'].told_seed}'): os._exit(0)")
    outcomes = submit(dealt, tmp_path, inside(*lines, "raise KeyError('x')"))
    assert [(outcomes[code].failure or "").partition(":")[0] for code in DEALT] == ["border", "crash"]
    assert not list((tmp_path / "out").rglob("*.safetensors"))


def test_what_comes_late_is_an_outcome(dealt, sandbox, tmp_path):
    outcomes = submit(dealt, tmp_path, inside("return model"), seconds=1)
    assert [(outcome.failure or "").partition(":")[0] for outcome in outcomes.values()] == ["time", "time"]


def test_a_file_that_is_no_submission_does_not_run(dealt, tmp_path):
    outcomes = submit(dealt, tmp_path, "defend = 1")
    assert [(outcome.failure or "").partition(":")[0] for outcome in outcomes.values()] == ["file", "file"]


def test_without_a_sandbox_a_round_runs_nothing(dealt, tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "no_new_process", lambda: None)
    with pytest.raises(ParamsError, match="no sandbox can be made here"):
        submit(dealt, tmp_path, inside("return model"))
    assert not (tmp_path / "out").exists()


def test_the_folder_of_a_dealt_model_is_named_by_its_code_alone(dealt):
    names = {path.name for path in (dealt[0] / "dealt").rglob("*")}
    assert f"seed-{SEED}" not in names and "sham" not in names and MODEL in names
