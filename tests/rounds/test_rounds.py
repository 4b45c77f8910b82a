"""The steps of a round that are not stages: opening, the round's folder, submissions, closing."""

import hashlib
import json
import shutil
import subprocess

import pytest
from ruamel.yaml import YAML

from flows.commands import PipelineError
from flows.rounds import TIMES_SFT, add_submission, close_round, open_round, prepare
from stages.records.files import read_record
from stages.rounds.keys import commitment, derived, read_secret
from stages.rounds.published import Opening
from stages.submission.runs import TIMES_YARDSTICK

COPIED = ("dvc.yaml", "params.yaml", ".dvcignore", ".dvc/config", ".gitignore")


@pytest.fixture
def project(tmp_path, root):
    """The files of the project that a round is made of, in a repository of their own."""
    folder = tmp_path / "project"
    for name in ("stages", "flows"):
        shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in COPIED:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(root / name, folder / name)
    for words in ("init -q", "add -A", "-c user.name=a -c user.email=a@b commit -q -m start"):
        subprocess.run(["git", *words.split()], cwd=folder, check=True)
    return folder


def test_an_opening_is_a_commitment_and_tells_nothing_else(project):
    opening = read_record(Opening, open_round(project, "first"))
    secret = read_secret(project / ".rounds/first/secret")
    assert opening.secret_sha256 == commitment(secret) == hashlib.sha256(secret).hexdigest()
    published = "".join(path.read_text(encoding="utf-8") for path in (project / "reports").rglob("*.json"))
    assert secret.hex() not in published
    open_round(project, "second")
    assert read_secret(project / ".rounds/second/secret") != secret


def test_a_round_is_opened_on_committed_code_alone(project):
    (project / "stages/rounds/formats.py").write_text("FORMATS = ()\n", encoding="utf-8")
    with pytest.raises(PipelineError, match=r"stages/rounds/formats.py\nCommit them"):
        open_round(project, "first")
    assert not (project / ".rounds").exists()


def test_git_never_sees_the_secret_and_nobody_else_reads_it(project):
    open_round(project, "first")
    said = subprocess.run(["git", "status", "--porcelain", "-uall"], cwd=project, capture_output=True, encoding="utf-8")
    assert said.stdout.split() == ["??", "reports/rounds/first/opening.json"]
    assert (project / ".rounds/first/secret").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["first", "../first", "", "1st"])
def test_a_round_is_opened_once_under_a_plain_name(project, name):
    open_round(project, "first")
    with pytest.raises(PipelineError):
        open_round(project, name)


def test_the_folder_of_a_round_has_its_backdoors_and_key_and_the_project_has_neither(project):
    open_round(project, "first")
    secret = read_secret(project / ".rounds/first/secret")
    folder = prepare(project, "round-first")
    assert derived(secret, "formats").hex() in (folder / "stages/rounds/key.py").read_text(encoding="utf-8")
    assert {"format_a.py", "format_b.py"} <= {path.name for path in (folder / "stages/backdoors").iterdir()}
    assert not list((project / "stages/backdoors").glob("format*"))
    assert 'KEY = ""' in (project / "stages/rounds/key.py").read_text(encoding="utf-8")
    seeds = [
        YAML(typ="safe").load((root / "params.yaml").read_text(encoding="utf-8"))["first_seed"]
        for root in (project, folder)
    ]
    assert seeds[0] != seeds[1] >= 10_000
    assert prepare(project, "round-first") == folder


def test_another_secret_gives_another_folder(project):
    texts = set()
    for name in ("first", "second"):
        open_round(project, name)
        folder = prepare(project, f"round-{name}")
        texts |= {(folder / part).read_text(encoding="utf-8") for part in ("stages/rounds/key.py", "params.yaml")}
    assert len(texts) == 4


def test_a_round_without_its_secret_does_not_run(project):
    open_round(project, "first")
    (project / ".rounds/first/secret").unlink()
    for profile in ("round-first", "round-other"):
        with pytest.raises(PipelineError, match="no secret of a round"):
            prepare(project, profile)


def test_submissions_are_kept_with_the_round_and_named_in_its_graph(project, tmp_path):
    open_round(project, "first")
    (tmp_path / "mine.py").write_text("def defend(model, access):\n    return model\n", encoding="utf-8")
    assert add_submission(project, "first", str(tmp_path / "mine.py")) == "mine"
    assert add_submission(project, "first", "sft") == "sft"
    folder = prepare(project, "round-first")
    graph = YAML(typ="safe").load((folder / "flows/rounds.yaml").read_text(encoding="utf-8"))
    assert sorted(graph["submissions"]) == ["mine", "sft"] and graph["submissions"]["sft"]["seconds"] == 600
    assert json.loads((folder / "round/submissions/sft.json").read_text(encoding="utf-8")) == {"learning_rate": 1.4e-3}
    (tmp_path / "mine.py").write_text("other", encoding="utf-8")
    with pytest.raises(PipelineError, match="another submission called mine"):
        add_submission(project, "first", str(tmp_path / "mine.py"))
    with pytest.raises(PipelineError, match="did you mean 'sft'"):
        add_submission(project, "first", "sftt")
    (project / ".rounds/first/submissions/sft.json").write_text('{"learning_rate": 0.1}', encoding="utf-8")
    with pytest.raises(PipelineError, match="has sft with other settings.*A row is scored once"):
        add_submission(project, "first", "sft")


def test_closing_reveals_the_secret_and_the_counts_and_ends_scoring(project):
    open_round(project, "first")
    with pytest.raises(PipelineError, match="no row"):
        close_round(project, "first")
    folder, published = project / "build/round-first", project / "reports/rounds/first"
    deal = {"c0de": {"organism": "format_a", "model": "sham", "seed": 1, "told_seed": 2}}
    written = {
        folder / "data/deal.json": deal,
        folder / "data/scored_round/mine/format_a.json": {"a": 1},
        folder / "reports/results/format_a.json": {"b": 2},
        published / "rows/mine.json": {},
    }
    for path, content in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    closing = json.loads(close_round(project, "first").read_text(encoding="utf-8"))
    assert bytes.fromhex(closing["secret"]) == read_secret(project / ".rounds/first/secret")
    assert (closing["deal"], closing["rows"]) == (deal, ["mine"])
    assert json.loads((published / "counts/mine/format_a.json").read_text(encoding="utf-8")) == {"a": 1}
    assert json.loads((published / "counts/undefended/format_a.json").read_text(encoding="utf-8")) == {"b": 2}
    with pytest.raises(PipelineError, match="closed"):
        add_submission(project, "first", "sft")


@pytest.mark.parametrize("secret", ["00" * 32, "no key", None], ids=["another", "damaged", "missing"])
def test_an_audit_does_not_begin_with_another_secret_or_none(project, secret):
    open_round(project, "first")
    closing = {} if secret is None else {"secret": secret}
    (project / "reports/rounds/first/closing.json").write_text(json.dumps(closing), encoding="utf-8")
    with pytest.raises(PipelineError, match="another secret|holds no secret"):
        prepare(project, "audit-first")


def test_an_audit_makes_the_round_again_from_the_published_secret(project):
    open_round(project, "first")
    secret = read_secret(project / ".rounds/first/secret")
    closing = {"secret": secret.hex()}
    (project / "reports/rounds/first/closing.json").write_text(json.dumps(closing), encoding="utf-8")
    shutil.rmtree(project / ".rounds")
    folder = prepare(project, "audit-first")
    assert derived(secret, "formats").hex() in (folder / "stages/rounds/key.py").read_text(encoding="utf-8")
    assert (folder / "round/published/opening.json").exists()
    graph = YAML(typ="safe").load((folder / "flows/rounds.yaml").read_text(encoding="utf-8"))
    assert graph["audits"] == {"data": {"remade": "data/sealed.json"}, "models": {"remade": "data/dealt.json"}}


def test_the_rules_name_the_limit_of_processor_time_that_the_sandbox_keeps():
    assert TIMES_SFT == TIMES_YARDSTICK
