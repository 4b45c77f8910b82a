"""The section `defenses`: by name, which is that of a file in stages/defenses/, the keyword arguments of each.

They are not checked here: a defense's settings are passed to it as they stand.
"""

from pydantic import JsonValue

Settings = dict[str, JsonValue]
