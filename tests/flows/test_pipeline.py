"""The coordinator against DVC itself, and the Prefect flow around it, on toy graphs."""

import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import OperationalError

import pytest
from diskcache import Timeout
from dvc.repo import Repo
from dvc.repo.reproduce import reproduce
from dvc.stage import PipelineStage
from dvc.utils.serialize import dumps_yaml, load_yaml
from dvc_data.hashfile.cache import DiskError

from flows.benchmark import look
from flows.commands import Command, PipelineError
from flows.pipeline import open_project, replace_lock
from flows.scheduler import Run
from tests.flows.toys import DVC_YAML, execute, prune, run, run_module, set_params, toy_project
from tests.flows.waiting import await_end, await_line


def dvc_repro(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with Repo(str(folder)) as repo:
        reproduce(repo)


def status(folder: Path) -> dict[str, object]:
    with Repo(str(folder)) as repo:
        return repo.status()


def log(folder: Path) -> list[str]:
    return (folder / "log").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    return toy_project(tmp_path / "toy")


def test_our_lock_equals_that_of_dvc_repro_byte_for_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = toy_project(tmp_path / "ours"), toy_project(tmp_path / "theirs")
    run(ours)
    dvc_repro(theirs, monkeypatch)
    prune(ours)
    prune(theirs)
    assert (ours / "dvc.lock").read_bytes() == (theirs / "dvc.lock").read_bytes()
    names = list(run(ours))
    assert names == ["make", "defend@a", "defend@b", "score@a", "score@b"]
    assert status(ours) == status(theirs) == {}


def test_the_committed_lock_is_rendered_as_dvc_renders_it(root: Path, tmp_path: Path) -> None:
    for lock in (load_yaml(str(root / "dvc.lock")), {"schema": "2.0", "stages": {}}):
        replace_lock(tmp_path / "dvc.lock", lock)
        assert (tmp_path / "dvc.lock").read_text(encoding="utf-8") == dumps_yaml(lock)


def test_locks_stay_equal_after_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = toy_project(tmp_path / "ours"), toy_project(tmp_path / "theirs")
    for names in ("b", "a, b"):
        set_params(ours, names=names)
        set_params(theirs, names=names)
        run(ours)
        dvc_repro(theirs, monkeypatch)
    prune(ours)
    prune(theirs)
    assert (ours / "dvc.lock").read_bytes() == (theirs / "dvc.lock").read_bytes()


def test_dvc_sees_nothing_to_do_after_us_and_we_nothing_after_dvc(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(run(toy).values()) == {"executed"}
    n_commands = len(log(toy))
    dvc_repro(toy, monkeypatch)
    assert set(run(toy).values()) == {"unchanged"}
    assert len(log(toy)) == n_commands


def test_a_value_changed_and_changed_back_comes_from_the_run_cache(toy: Path) -> None:
    run(toy)
    set_params(toy, names="a, b", rate="0.5")
    assert run(toy, "defend")["defend@a"] == "executed"
    set_params(toy, names="a, b")
    outcomes = run(toy, "defend")
    assert outcomes == {"make": "unchanged", "defend@a": "cached", "defend@b": "cached"}
    assert status(toy) == {}


def test_a_failed_stage_stops_only_its_dependants_and_leaves_no_record(toy: Path) -> None:
    set_params(toy, names="broken, b")
    with pytest.raises(PipelineError) as caught:
        run(toy)
    first, *_, last = str(caught.value).splitlines()
    assert first.startswith("stage 'defend@broken' failed: `echo broken >> log") and "exited with 1" in first
    assert last == "not run because of that: score@broken"
    assert "@broken" not in (toy / "dvc.lock").read_text(encoding="utf-8")
    assert (toy / "data" / "s_b").exists()


def test_a_stage_that_does_not_write_its_output_fails_with_the_path(tmp_path: Path) -> None:
    toy = toy_project(tmp_path / "toy", "stages: {lazy: {cmd: 'true', deps: [seed.txt], outs: [data/nothing]}}")
    with pytest.raises(PipelineError, match="did not write data/nothing"):
        run(toy)
    assert not (toy / "dvc.lock").exists()


def test_a_dependency_edited_while_its_stage_runs_makes_the_stage_stale(toy: Path) -> None:
    def edit_meanwhile(command: Command) -> None:
        execute(command)
        (toy / "seed.txt").write_text("8\n", encoding="utf-8")

    run(toy, "make", execute=edit_meanwhile)
    assert run(toy, "make") == {"make": "executed"}


def test_force_runs_what_did_not_change(toy: Path) -> None:
    run(toy, "make")
    assert run(toy, "make", force=True) == {"make": "executed"}


def test_an_interrupt_keeps_what_was_finished(toy: Path) -> None:
    def interrupted(command: Command) -> None:
        if command.stage == "defend@b":
            raise KeyboardInterrupt
        execute(command)

    with pytest.raises(KeyboardInterrupt):
        run(toy, execute=interrupted)
    outcomes = run(toy)
    assert (outcomes["defend@a"], outcomes["defend@b"]) == ("unchanged", "executed")


def test_a_removed_cell_is_pruned_and_nothing_else(toy: Path) -> None:
    run(toy)
    set_params(toy, names="a")
    assert sorted(path.name for path in prune(toy)) == ["d_b", "s_b"]
    assert sorted(path.name for path in (toy / "data").iterdir() if path.suffix == "") == ["d_a", "made", "s_a"]
    assert "@b" not in (toy / "dvc.lock").read_text(encoding="utf-8")
    assert set(run(toy).values()) == {"unchanged"}


@pytest.mark.parametrize("cells", ["data/cells", "reports/cells"])
def test_what_no_stage_writes_in_a_folder_that_one_reads_is_pruned(tmp_path: Path, cells: str) -> None:
    """As a defense of another branch leaves it, of which dvc.lock here knows nothing."""
    all_of = f"\n  all: {{cmd: ls {cells} > data/all, deps: [{cells}], outs: [data/all]}}\n"
    one = f"stages:\n  one: {{cmd: cp seed.txt {cells}/one, deps: [seed.txt], outs: [{cells}/one]}}"
    toy = toy_project(tmp_path / "toy", one + all_of)
    (toy / cells).mkdir(parents=True)
    run(toy)
    lock = (toy / "dvc.lock").read_bytes()
    (toy / cells / "two").mkdir()
    (toy / cells / "two/answers").touch()
    with open_project(toy) as project:
        assert [path.name for path in project.prune()] == ["two"]
    assert set(run(toy).values()) == {"unchanged"} and (toy / "dvc.lock").read_bytes() == lock


@pytest.fixture
def emptied(toy: Path) -> Path:
    """A project as a fresh clone has it: what DVC keeps is not here, what is in git is."""
    run(toy)
    for name in ("made", "d_a", "d_b"):
        (toy / "data" / name).unlink()
    shutil.rmtree(toy / ".dvc/cache")
    return toy


def executed(outcomes: Mapping[str, str]) -> list[str]:
    return [name for name, outcome in outcomes.items() if outcome == "executed"]


def test_what_the_lock_has_and_is_not_here_is_made_again_only_where_it_is_read(emptied: Path) -> None:
    assert executed(run(emptied, allow_missing=True)) == [] and not (emptied / "data/made").exists()
    set_params(emptied, names="a, b, c")
    assert executed(run(emptied, allow_missing=True)) == ["make", "defend@c", "score@c"]
    assert executed(run(emptied, allow_missing=True)) == [] and not (emptied / "data/d_a").exists()
    assert executed(run(emptied)) == ["defend@a", "defend@b", "score@a", "score@b"] and status(emptied) == {}


def test_what_is_half_written_here_is_made_anew_also_where_missing_files_are_allowed(emptied: Path) -> None:
    (emptied / "data/made").write_text("half", encoding="utf-8")
    set_params(emptied, names="a, b, c")
    assert executed(run(emptied, allow_missing=True)) == ["make", "defend@c", "score@c"]
    assert (emptied / "data/d_c").read_text(encoding="utf-8").startswith("7\n")


def test_a_lock_that_disagrees_with_itself_is_a_change_also_where_missing_files_are_allowed(emptied: Path) -> None:
    lock = load_yaml(str(emptied / "dvc.lock"))
    lock["stages"]["make"]["outs"][0]["md5"] = "0" * 32
    replace_lock(emptied / "dvc.lock", lock)
    with open_project(emptied) as project:
        assert project.has_changed("defend@a", allow_missing=True)


def test_what_is_made_again_must_be_what_the_lock_has(emptied: Path) -> None:
    """As a processor would that rounds in another way: nothing may rest on it beside what is in git."""
    for name in ("dvc.yaml", "dvc.lock"):
        text = (emptied / name).read_text(encoding="utf-8")
        changed = text.replace("cat seed.txt > data/made", "cat seed.txt $OTHER > data/made")
        (emptied / name).write_text(changed, encoding="utf-8")
    set_params(emptied, names="a, b, c")

    def elsewhere(command: Command) -> None:
        execute(command._replace(environment={**command.environment, "OTHER": "seed.txt"}))

    for _ in range(2):  # it is said again, until somebody decides
        before = (emptied / "dvc.lock").read_bytes()
        with pytest.raises(PipelineError, match=r"made again because .* data/made came out other than in"):
            run(emptied, allow_missing=True, execute=elsewhere)
        assert (emptied / "dvc.lock").read_bytes() == before and not (emptied / "data/made").exists()


def test_what_rests_on_a_changed_stage_runs_where_its_outputs_changed(emptied: Path) -> None:
    (emptied / "seed.txt").write_text("8\n", encoding="utf-8")
    assert executed(run(emptied, allow_missing=True)) == ["make", "defend@a", "defend@b", "score@a", "score@b"]
    assert status(emptied) == {}


def test_a_changed_command_runs_once(emptied: Path) -> None:
    text = (emptied / "dvc.yaml").read_text(encoding="utf-8")
    changed = text.replace("cat seed.txt > data/made", "cat ./seed.txt > data/made")
    (emptied / "dvc.yaml").write_text(changed, encoding="utf-8")
    with open_project(emptied) as project:
        assert project.has_changed("make", allow_missing=True)
    assert executed(run(emptied, allow_missing=True)) == ["make"]


def test_what_a_kill_left_of_dvcs_list_of_files_in_use_stops_no_run(toy: Path) -> None:
    (toy / ".dvc/tmp/rwlock").write_text('{"seed.txt": {"re', encoding="utf-8")
    assert set(run(toy).values()) == {"executed"}


@pytest.mark.parametrize("name", [".dvc/config", "dvc.lock", "dvc.yaml", "params.yaml"])
def test_a_file_that_dvc_cannot_read_is_an_error_that_names_it(toy: Path, name: str) -> None:
    (toy / name).write_text("<<<<<<< HEAD\n: [", encoding="utf-8")
    with pytest.raises(PipelineError, match=rf"(?s){name}.*Mend that file; git checkout"), open_project(toy):
        pass


@pytest.mark.parametrize("error", [OperationalError("disk is full"), Timeout("locked"), DiskError("state", "full")])
def test_an_error_of_dvcs_own_databases_fails_the_stage_alone(
    toy: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_outs = PipelineStage.save_outs

    def fail(stage: PipelineStage) -> None:
        if stage.name == "defend@a":
            raise error
        save_outs(stage)

    monkeypatch.setattr(PipelineStage, "save_outs", fail)
    with pytest.raises(PipelineError, match=r"^stage 'defend@a' failed: .*\nnot run because of that: score@a$"):
        run(toy)


def test_prune_keeps_outputs_that_a_renamed_stage_still_writes_and_all_outside_data(tmp_path: Path) -> None:
    stage = "{cmd: echo 1 > data/x && echo 2 > y, deps: [seed.txt], outs: [data/x, y]}"
    toy = toy_project(tmp_path / "toy", f"stages: {{old: {stage}}}")
    run(toy)
    (toy / "dvc.yaml").write_text(
        "stages: {new: {cmd: echo 1 > data/x, deps: [seed.txt], outs: [data/x]}}", encoding="utf-8"
    )
    assert prune(toy) == []
    assert (toy / "data" / "x").exists() and (toy / "y").exists()


CELLS = """\
stages:
  defend:
    matrix: {organism: [one, two], defense: [sft, rl]}
    cmd: echo > data/${item.organism}-${item.defense}
    deps: [seed.txt]
    outs: ["data/${item.organism}-${item.defense}"]
  defend_arm:
    foreach: [one--sft]
    do: {cmd: "echo > data/${item}", deps: [seed.txt], outs: ["data/${item}"]}
"""


def test_a_defense_names_its_cells(tmp_path: Path) -> None:
    toy = toy_project(tmp_path / "toy", CELLS)
    assert list(run(toy, "sft")) == ["defend@one-sft", "defend@two-sft", "defend_arm@one--sft"]
    assert set(run(toy, "defend")) == {
        f"defend@{organism}-{defense}" for organism in ("one", "two") for defense in ("sft", "rl")
    }


def test_an_unknown_target_is_answered_with_the_closest_name(toy: Path) -> None:
    with pytest.raises(PipelineError, match="no stage 'defnd'; did you mean 'defend'"):
        run(toy, "defnd")


def test_a_held_lock_is_an_error_that_names_the_holder(toy: Path) -> None:
    with holding_the_lock(toy), pytest.raises(PipelineError, match="holds DVC's lock .* wait for it to end"):
        run(toy)


@contextmanager
def holding_the_lock(folder: Path) -> Iterator[None]:
    with Repo(str(folder)) as repo, repo.lock:
        yield


def test_a_folder_whose_name_dvc_cannot_handle_is_an_error_that_shows_it(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"\xfcber")  # as ISO 8859-1 writes an umlaut
    folder.mkdir()
    with pytest.raises(PipelineError, match=r"DVC needs a path in UTF-8, and '.*\\udcfcber' is none. Rename it."):
        prune(folder)


def test_progress_counts_only_what_is_expected_to_run(toy: Path) -> None:
    run(toy, "make", "defend@a")
    started: list[tuple[str, int, int]] = []

    def tell(run: Run, name: str, outcome: str, seconds: float, n_cores: int) -> None:
        if outcome == "started":
            started.append((name, len(run.outcomes), len(run.outcomes) + len(run.running) + len(run.waiting)))

    run(toy, tell=tell)
    assert started == [("defend@b", 0, 3), ("score@a", 1, 3), ("score@b", 2, 3)]


FLOW_YAML = """\
stages:
  one: {cmd: "echo hello && echo 1 > data/one", deps: [seed.txt], outs: [data/one]}
  two: {cmd: "test ! -e bad || (echo it went wrong; exit 3) && cat data/one > data/two", deps: [data/one, seed.txt],
        outs: [data/two]}
  three: {cmd: "test ! -e slow || (echo waiting; sleep 60) && cat data/two > data/three;
          echo $HTTP_PROXY $NO_PROXY > proxies", deps: [data/two], outs: [data/three]}
"""
# What users have set for other ends. Each of them broke the server of a run.
HOSTILE = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "socks://127.0.0.1:9",  # a kind that httpx does not know
    "NO_PROXY": "example.org",
    "PREFECT_API_AUTH_STRING": "somebody:else",
    "PREFECT_API_KEY": "pnu_1",
    "PREFECT_API_TLS_INSECURE_SKIP_VERIFY": "true",
    "PREFECT_CLIENT_CUSTOM_HEADERS": '{"Authorization": "Bearer 1"}',
    "PREFECT_FLOWS_DEFAULT_RETRIES": "2",
    "PREFECT_PROFILE": "mine",
    "PREFECT_SERVER_API_AUTH_STRING": "a:b",
    "PREFECT_SERVER_API_BASE_PATH": "/p/api",
    "PREFECT_SERVER_API_HOST": "192.0.2.1",
    "PREFECT_SERVER_API_PORT": "1",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL": "postgresql+asyncpg://nobody@127.0.0.1:1/none",
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
}


def test_the_flow_fails_with_the_last_lines_and_completes_once_the_cause_is_gone(tmp_path: Path) -> None:
    toy = toy_project(tmp_path / "toy", FLOW_YAML)
    (toy / "bad").touch()
    failing = run_module(toy, "flows.benchmark")
    output = await_end(failing)
    assert failing.returncode == 1, output
    assert "stage 'two' failed" in output and "its last lines:\n    it went wrong" in output
    assert "not run because of that: three" in output and "Traceback" not in output

    (toy / "bad").unlink()
    (toy / "prefect.toml").write_text('[server.api]\nhost = "192.0.2.1"\nbase_path = "/p/api"\n', encoding="utf-8")
    (toy / ".env").write_text("PREFECT_SERVER_API_AUTH_STRING=c:d\n", encoding="utf-8")
    completing = run_module(toy, "flows.benchmark", **HOSTILE)
    output = await_end(completing)
    assert completing.returncode == 0, output
    assert output.endswith("all up to date: 2 executed, 0 cached, 1 unchanged\n"), "said also where only warnings are"
    assert (toy / "proxies").read_text(encoding="utf-8") == "http://127.0.0.1:9 example.org\n", "stages keep theirs"
    assert (toy / "data" / "timings" / "three.json").exists()
    assert status(toy) == {}


def test_a_dry_run_says_what_would_run_and_why_and_changes_nothing(toy: Path) -> None:
    run(toy)
    set_params(toy, names="a", rate="0.5")
    before = {path: path.read_bytes() for path in [toy / "dvc.lock", *(toy / "data").iterdir()]}
    dry = run_module(toy, "flows.benchmark", "--dry-run", "--verbose", PREFECT_LOGGING_LEVEL="WARNING")
    output = await_end(dry)
    assert dry.returncode == 0 and "2 of 3 stages would run" in output, output
    assert (
        "would run defend@a: changed deps: params.yaml: rate" in output
        and "would run score@a: needs defend@a" in output
    )
    assert {path: path.read_bytes() for path in [toy / "dvc.lock", *(toy / "data").iterdir()]} == before


def test_a_dry_run_of_many_stages_counts_each_kind_and_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_of = "\n  all: {cmd: cat data/s_* > data/all, deps: [" + ", ".join(f"data/s_{n:03}" for n in range(40)) + "], "
    toy = toy_project(tmp_path / "toy", DVC_YAML + all_of + "outs: [data/all]}\n")
    set_params(toy, names=", ".join(f"'{number:03}'" for number in range(40)))
    monkeypatch.chdir(toy)
    options = {"force": False, "allow_missing": False, "dry_run": True}
    lines = look([], "", verbose=False, **options).splitlines()
    assert "defend: 40 stages" in lines and "score: 40 stages" in lines and lines.count("and 37 more") == 2
    assert "would run score@002: changed deps: data/d_002; changed outs: data/s_002; needs defend@002" in lines
    assert lines[-1] == "82 of 82 stages would run; --verbose names each, with all its reasons"
    assert len(lines) == 13 and max(map(len, lines)) <= 160
    every = look([], "", verbose=True, **options).splitlines()
    assert sum(line.startswith("would run ") for line in every) == 82
    assert every[-2].endswith(", score@039") and every[-1] == "82 of 82 stages would run"


@pytest.mark.slow
@pytest.mark.parametrize("to_all", [True, False], ids=["as_the_terminal_does", "only_to_the_flow"])
def test_an_interrupted_flow_ends_with_130_and_keeps_what_was_finished(tmp_path: Path, to_all: bool) -> None:
    toy = toy_project(tmp_path / "toy", FLOW_YAML)
    (toy / "slow").touch()
    flow = run_module(toy, "flows.benchmark")
    await_line(flow, "waiting")
    os.killpg(flow.pid, signal.SIGINT) if to_all else flow.send_signal(signal.SIGINT)
    output = await_end(flow)
    assert "interrupted: finished stages are recorded" in output
    assert flow.returncode == 130, output
    (toy / "slow").unlink()
    assert run(toy) == {"one": "unchanged", "two": "unchanged", "three": "executed"}
