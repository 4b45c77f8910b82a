"""Reads Prefect's settings before a program of ours imports what else it needs of Prefect.

Prefect reads them while it is imported: variables, a profile, .env, prefect.toml and pyproject.toml. One that it cannot
read ends the program here, with the reason in one line.
"""

import sys

from pydantic import ValidationError


def reason(error: Exception) -> str:
    """What is wrong with the first of the settings that are, in one line."""
    if not isinstance(error, ValidationError):
        return " ".join(str(error).split())
    first = error.errors()[0]
    name = ".".join([error.title, *map(str, first["loc"])])
    return f"{name} is {first['input']!r}: {first['msg']}"


try:
    import prefect.main  # noqa: F401  # reads them
except (ValueError, OSError, TypeError, AttributeError) as unreadable:  # not of its kind, no TOML or UTF-8, a folder
    places = "a PREFECT_* variable, a profile of Prefect's, .env, prefect.toml or pyproject.toml"
    sys.exit(f"error: Prefect's settings cannot be read: {reason(unreadable)}. Mend or unset it; it is in {places}.")
