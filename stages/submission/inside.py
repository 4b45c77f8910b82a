"""The program in the sandbox: defend one model with submitted code, and send what came of it.

`python -m stages.submission.inside INPUTS WORK LIMITS`. It is trusted until it imports the submission; what it sends
afterwards is not, because both share one process. So everything that it says is checked again, on the other side
(`border.py`). The stage `defend` does the work, and it is imported late: a file that breaks a rule at once costs a
second, not ten.
"""

import io
import json
import os
import resource
import sys
import tarfile
from collections.abc import Iterator
from functools import wraps
from importlib import import_module
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import IO, Any

from stages.defenses import load_defense
from stages.params.access import AccessParams
from stages.submission.rules import RULES, RuleBroken, broken, rule_of

MODEL = "model"  # organism and sham are called the same
WATCHED = ("builtins", "numpy", "random", "safetensors", "stages", "torch", "transformers")


def main(inputs: Path, work: Path, limits: dict[str, int]) -> None:
    """Set the limits, run, and send the folder of outputs as a tar stream on what was standard output."""
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, name), (value, value))
    os.umask(0o077)
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what submitted code prints is no output
    job = json.loads((inputs / "job.json").read_text(encoding="utf-8"))
    model = f"{MODEL}/seed-{job['seed']}"
    out = work / "out" / model
    out.mkdir(parents=True)
    try:
        outcome = defend(job, inputs, model, work / "out")
    except BaseException as error:  # submitted code may raise anything, SystemExit too
        outcome = {"failure": rule_of(error)}
    send(outcome, out, channel)


def defend(job: dict[str, Any], inputs: Path, model: str, out: Path) -> dict[str, Any]:
    """The outcome of the model as JSON; its weights and checkpoints lie in `out`."""
    module = load_defense(job["defense"])
    module.defend = watched(module)  # type: ignore[attr-defined]
    stage = import_module("stages.defend")
    import_module("stages.lm.workers").prepare_worker()
    outcome = stage.apply(
        stage.Job(
            organism=inputs / "organism",
            model=model,
            defense=job["defense"],
            settings=job["settings"],
            access=AccessParams(**job["access"]),
            lora_rank=job["lora_rank"],
            examples=inputs / "examples.parquet",
            tokenizer=inputs / "tokenizer",
            preference_model=inputs / "preference_model",
            out=out,
        )
    )
    failure = outcome.failure and outcome.failure.removeprefix(f"{RuleBroken.__name__}: ")
    if failure and failure.partition(":")[0] not in RULES:
        failure = broken("contract", failure)
    cost = vars(outcome.cost) if outcome.cost else None
    return {"failure": failure, "cost": cost, "history": outcome.history}


def watched(module: ModuleType) -> Any:  # noqa: ANN401
    """The module's `defend`, which says the rule that it breaks, and what it has changed of other code."""
    original = module.defend

    @wraps(original)
    def defend(model: object, access: object, **settings: object) -> object:
        own = str(module.__file__)
        try:
            defended = original(model, access, **settings)
        except Exception as error:
            if type(error).__module__.startswith("stages."):
                raise
            raise RuleBroken(rule_of(error)) from error
        changed = [*patched(own), *(f"its access.{name}" for name, value in vars(access).items() if is_of(value, own))]
        parts = defended.modules() if hasattr(defended, "modules") else ()
        changed += [f"its model's {name}" for part in parts for name in vars(part) if is_of(vars(part)[name], own)]
        if changed:
            raise RuleBroken(broken("patching", f"it put code of its own into {', '.join(sorted(changed)[:3])}"))
        return defended

    return defend


def is_of(value: object, file: str) -> bool:
    """Whether it is a function, a method or a class that is written in this file."""
    kind = type(value)  # what isinstance asks, some objects of torch answer with a warning
    if kind in (MethodType, staticmethod, classmethod):
        return is_of(value.__func__, file)  # type: ignore[attr-defined]
    if kind is property:
        return is_of(value.fget, file)  # type: ignore[attr-defined]
    if kind is FunctionType:
        return value.__code__.co_filename == file  # type: ignore[attr-defined]
    return issubclass(kind, type) and getattr(sys.modules.get(value.__module__), "__file__", None) == file


def patched(file: str) -> Iterator[str]:
    """What modules and classes hold that is written in this file. It finds what does not hide."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in WATCHED or getattr(module, "__file__", None) == file:
            continue
        for key, value in list(getattr(module, "__dict__", {}).items()):
            if is_of(value, file):
                yield f"{name}.{key}"
            elif issubclass(type(value), type) and value.__module__ == name:
                yield from (f"{name}.{key}.{own}" for own, each in list(vars(value).items()) if is_of(each, file))


def send(outcome: dict[str, Any], folder: Path, channel: IO[bytes]) -> None:
    """Write the outcome and the folder as a tar stream, links as links; of a failure the outcome alone."""
    content = json.dumps(outcome).encode()
    with channel, tarfile.open(fileobj=channel, mode="w|") as archive:
        member = tarfile.TarInfo("outcome.json")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
        for path in [] if outcome["failure"] else sorted(folder.rglob("*")):
            archive.add(path, str(path.relative_to(folder)), recursive=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))
