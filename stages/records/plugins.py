"""Importing a file that somebody submitted: whatever it raises is said in one line, with its place."""

import traceback
from importlib import import_module
from types import ModuleType

from stages.params.errors import SubmissionError, in_one_line


def import_plugin(module: str) -> ModuleType:
    """The plug-in of that dotted name. Raises SubmissionError where importing it fails."""
    path = f"{module.replace('.', '/')}.py"
    try:
        return import_module(module)
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(path)]
        place = f"{path}, line {lines[-1]}" if lines else path
        raise SubmissionError(
            f"{place}: importing it fails with {in_one_line(error)}. Mend it, or take it out of stages/"
        ) from error
