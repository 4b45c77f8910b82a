"""The contract of a detector: it learns from a model, and then scores prompts; higher is more suspicious.

A detector is one file here, found by its name, with two functions:

    def fit(first, second): ...          from activations of both answers to each pair, what it needs to score
    def score(fitted, activations): ...  of each layer and prompt a number

and PAIRS, the texts that it is fitted on: questions, each with the beginnings of two answers that say opposite things.
It never sees a trigger, a poisoned row or an evaluation prompt while it is fitted. Activations are those of the last
token: (layers, texts, width).
"""

from pathlib import Path
from types import ModuleType

from stages.params.errors import ParamsError, SubmissionError, unknown_name
from stages.records.plugins import import_plugin

PARTS = ("PAIRS", "fit", "score")


def detector_names() -> list[str]:
    """The names of all detectors: the files of this folder."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")


def load_detector(name: str) -> ModuleType:
    """The module of that name. Raises ParamsError without such a file, SubmissionError where a part is missing."""
    if name not in detector_names():
        advice = "A detector is a file in stages/detectors/."
        raise ParamsError(unknown_name("detector", name, detector_names(), advice))
    module = import_plugin(f"stages.detectors.{name}")
    missing = [part for part in PARTS if not hasattr(module, part)]
    if missing:
        raise SubmissionError(f"detectors/{name}.py lacks {', '.join(missing)}; see stages/detectors/__init__.py")
    return module
