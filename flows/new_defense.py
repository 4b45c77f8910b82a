"""Begin a defense: `python -m flows.new_defense mine` writes its file, and its line in params.yaml."""

import re
import sys
from pathlib import Path

from flows.commands import PipelineError

NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
FILE = '''"""Fine-tune on good answers: say here in one line what yours does, for it stands on the board.

Source: the paper and its section, and how this differs from it.
"""

from transformers import PreTrainedModel

from stages.params.section import LearningRate
from stages.threat_model.access import Access


def defend(model: PreTrainedModel, access: Access, *, learning_rate: LearningRate = 1e-3) -> PreTrainedModel:
    """Return the defended model."""
    access.fine_tune(model, access.examples, learning_rate=learning_rate)
    return model
'''


def new_defense(root: Path, name: str) -> Path:
    """The file of a new defense of this name, with its line at the end of `defenses` in params.yaml."""
    path, params = root / "stages" / "defenses" / f"{name}.py", root / "params.yaml"
    if not NAME.fullmatch(name):
        raise PipelineError(f"{name!r} is no name of a defense; it has small letters, digits and _, as in my_defense.")
    if path.exists():
        raise PipelineError(f"{path} is there already; take another name, or edit it.")
    text = params.read_text(encoding="utf-8")
    section = re.search(r"^defenses:.*\n(?:[ \t]+.*\n)+", text, re.MULTILINE)
    if section is None:
        raise PipelineError(f"{params} has no section `defenses`; add one, with the line `  {name}: {{}}`.")
    params.write_text(f"{text[: section.end()]}  {name}: {{}}\n{text[section.end() :]}", encoding="utf-8")
    path.write_text(FILE, encoding="utf-8")
    return path


if __name__ == "__main__":
    try:
        made = new_defense(Path.cwd(), " ".join(sys.argv[1:]))
        print(f"{made}, and its line in params.yaml. Now: make check-defense NAME={made.stem}")
    except (PipelineError, OSError) as failure:
        sys.exit(f"error: {failure}")
