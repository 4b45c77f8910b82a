"""`make gc` on toy clones: what any commit names stays, what others own is not touched, nobody is surprised."""

import json
import subprocess
from collections.abc import Callable
from hashlib import md5
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from flows.commands import PipelineError
from flows.gc import collect
from tests.flows.toys import run_module, toy_project
from tests.flows.waiting import await_end


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Git in the toy, with no setting of this machine."""
    for name in ("HOME", "XDG_CONFIG_HOME", "DVC_GLOBAL_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    return lambda *words: (
        subprocess.run(
            ["git", *who, *words], cwd=tmp_path / "toy", check=True, capture_output=True, encoding="utf-8"
        ).stdout
    )


@pytest.fixture
def toy(tmp_path: Path, git: Callable[..., str]) -> Path:
    """Two commits with an output each, the first with a params.yaml that nobody can read; and an output of none."""
    toy = toy_project(tmp_path / "toy")
    git("init", "-q")
    for number, text in enumerate(["first", "second", "of no commit", "of the working tree"]):
        make(toy, text)
        if number < 2:
            (toy / "params.yaml").write_text("a: 1\n" if number else "<<<<<<< HEAD\n", encoding="utf-8")
            git("add", "dvc.lock", "params.yaml")
            git("commit", "-qm", text)
    return toy


def make(toy: Path, text: str) -> None:
    """A folder with one file, as DVC has it in its cache and in dvc.lock, in which only the folder is named."""
    digest = put(toy, text, "")
    listed = put(toy, json.dumps([{"md5": digest, "relpath": "a"}]), ".dir")
    outs = {"outs": [{"path": "data/one", "hash": "md5", "md5": f"{listed}.dir"}]}
    (toy / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": {"one": outs}}), encoding="utf-8")


def put(toy: Path, text: str, suffix: str) -> str:
    digest = md5(text.encode(), usedforsecurity=False).hexdigest()
    place = toy / ".dvc/cache/files/md5" / digest[:2] / (digest[2:] + suffix)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    return digest


def contents(toy: Path) -> set[str]:
    """What the files of the cache say, but the lists of folders."""
    found = (toy / ".dvc/cache/files/md5").glob("*/*")
    return {path.read_text(encoding="utf-8").strip() for path in found if not path.suffix}


def test_what_a_commit_or_the_working_tree_names_stays_though_a_commit_cannot_be_read(toy, capsys):
    assert collect(toy, is_sure=True) == "2 files deleted"
    assert contents(toy) == {"first", "second", "of the working tree"}
    said = capsys.readouterr().out
    assert "Of 8 files in DVC's cache 2 are not named" in said and "Profiles' caches are not looked at" in said
    assert collect(toy, is_sure=True) == "nothing to delete"


def test_what_a_stash_and_a_branch_beside_name_stays(toy, git):
    git("stash")
    git("checkout", "-qb", "beside", "HEAD~1")
    make(toy, "of the branch")
    git("commit", "-qam", "beside")
    git("checkout", "-q", "-")
    git("merge", "-qs", "ours", "beside")
    git("branch", "-D", "beside")
    collect(toy, is_sure=True)
    assert contents(toy) == {"first", "second", "of the working tree", "of the branch"}


def test_what_an_older_stash_or_only_a_reflog_names_stays(toy, git):
    git("stash")
    make(toy, "of the newer stash")
    git("stash")
    make(toy, "of the reflog")
    git("commit", "-qam", "taken back")
    git("reset", "-q", "--hard", "HEAD~1")
    collect(toy, is_sure=True)
    assert contents(toy) == {"first", "second", "of the working tree", "of the newer stash", "of the reflog"}


def test_what_is_staged_stays_though_the_working_tree_says_otherwise(toy, git):
    git("add", "dvc.lock")
    make(toy, "of later")
    collect(toy, is_sure=True)
    assert contents(toy) == {"first", "second", "of the working tree", "of later"}


def test_variables_of_git_lead_to_no_other_clone(toy, tmp_path, monkeypatch):
    subprocess.run(["git", "init", "-q", tmp_path / "other"], check=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(toy))
    collect(toy, is_sure=True)
    assert contents(toy) == {"first", "second", "of the working tree"}


def test_a_pointer_that_is_not_in_utf8_is_read_all_the_same(toy):
    (toy / "own.dvc").write_bytes(b"# \xff\nmd5: " + put(toy, "own data", "").encode())
    collect(toy, is_sure=True)
    assert "own data" in contents(toy)


@pytest.mark.parametrize("word", ["--ye", "yes"])
def test_a_word_that_is_not_yes_is_refused(toy, word):
    process = run_module(toy, "flows.gc", word)
    said = await_end(process)
    assert process.returncode == 2 and f"unrecognized arguments: {word}" in said, said
    assert "of no commit" in contents(toy)


def test_without_anybody_to_ask_nothing_is_deleted_and_the_remedy_is_named(toy):
    process = run_module(toy, "flows.gc")
    said = await_end(process)
    assert process.returncode == 1 and "Of 8 files in DVC's cache 2" in said and "make gc YES=1" in said, said
    assert "of no commit" in contents(toy)


@pytest.mark.parametrize(("answer", "kept"), [("", True), ("n", True), ("yes", False), ("Y", False)])
def test_it_asks_before_it_deletes(toy, answer, kept, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    collect(toy, is_sure=False)
    assert ("of no commit" in contents(toy)) == kept


@pytest.mark.parametrize("level", ["global", "repo", "local", "link"])
def test_a_cache_outside_the_clone_is_refused_and_the_setting_named(toy, tmp_path, level):
    """As two projects share one, at any level of DVC's configuration."""
    shared, place = tmp_path / "shared", "a link leads there"
    (toy / ".dvc/cache").rename(shared)
    if level == "link":
        (toy / ".dvc/cache").symlink_to(shared)
    else:
        with Repo(str(toy)) as repo, repo.config.edit(level) as config:
            config["cache"]["dir"] = str(shared)
            place = f"cache.dir in {repo.config.files[level]} says so"
    with pytest.raises(PipelineError) as caught:
        collect(toy, is_sure=True)
    said = str(caught.value)
    assert f"DVC's cache is {shared}/files/md5, outside this clone ({place})" in said and "--projects" in said
    assert len(list(shared.glob("files/md5/*/*"))) == 8


def test_a_shallow_clone_says_that_it_lacks_commits(toy, tmp_path, capsys):
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{toy}", tmp_path / "shallow"], check=True)
    Repo.init(str(tmp_path / "shallow"), no_scm=True).close()
    collect(tmp_path / "shallow", is_sure=True)
    assert "This clone is shallow" in capsys.readouterr().out


def test_a_folder_that_is_no_clone_of_its_own_is_refused(toy):
    profile = toy_project(toy / "build" / "smoke")
    with pytest.raises(PipelineError, match="is no clone of its own. A profile's cache goes with its folder"):
        collect(profile, is_sure=True)


def test_what_git_cannot_read_ends_it_with_gits_own_reason_and_nothing_is_deleted(toy, git):
    blob = git("rev-parse", "HEAD~1:dvc.lock").strip()
    (toy / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(PipelineError, match=rf"`git cat-file` failed in .*: fatal: git cat-file {blob}: bad file"):
        collect(toy, is_sure=True)
    assert "of no commit" in contents(toy)
