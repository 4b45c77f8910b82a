"""How the keys of a profile change those of params.yaml: mappings merge, everything else replaces, null deletes.

Of a mapping with the tag !only nothing is kept but what it names: `!only [a, b]` keeps these as they are, `!only {a:
{x: 1}}` keeps `a` and merges with it, `!only {}` keeps nothing. What comes of it is read back as DVC reads it, so that
no run begins with a file that cannot be read.
"""

import io
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from dvc.utils.serialize import loads_yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import TaggedScalar
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.tag import Tag

from flows.commands import PipelineError, unknown

ONLY = "!only"
# Below these a profile may name new keys: they are the lists of what there is.
OPEN_KEYS = ("arms", "datasets", "defenses", "organisms", "sizes")
MAX_SHOWN = 80  # characters of a value in a message
DIRECTIVE = re.compile(r"\ufeff?(\s*(#.*)?\n)*%")

Mapping = MutableMapping[str, Any]


def merged_params(params: Path, profile: Path) -> str:
    """The text of `params`, changed as the profile says; comments and the way numbers are written stay.

    One line on stderr says where an empty mapping below !only kept what params.yaml has, and not nothing.
    """
    tree, text = _load(params), io.StringIO()
    try:
        kept = merge(tree, _load(profile), where=profile.name)
        _yaml().dump(tree, text)
        loads_yaml(text.getvalue().encode())
    except PipelineError:
        raise
    except Exception as error:  # what ruamel cannot write, or DVC not read: an unknown tag, say
        raise PipelineError(f"{profile.name} makes a params.yaml that DVC cannot read: {_reason(error)}.") from error
    if kept:
        name = kept[0].rpartition(".")[2]
        print(
            f"{profile.name}: {', '.join(kept)} below {ONLY} kept what params.yaml has. `{ONLY} [{name}]` says so too, "
            f"without this line; `{name}: {ONLY} {{}}` empties it.",
            file=sys.stderr,
        )
    return text.getvalue()


def merge(default: Mapping, override: Mapping, *, where: str, path: str = "") -> list[str]:
    """Change `default` in place; the keys whose value !only kept though an empty mapping stands there."""
    kept: list[str] = []
    for key, value in override.items():
        _check_key(key, default, where, path)
        place, here = f"{path}.{key}" if path else key, default.get(key)
        if value is None and not path:
            raise PipelineError(f"{where}: {key} is null, but no section can be left out. Remove the line.")
        if value is None:
            default.pop(key, None)
        elif not isinstance(here, MutableMapping):
            if here is not None and isinstance(value, MutableMapping):
                raise PipelineError(f"{where}: {place} is a mapping, but {_shown(here)} in params.yaml.")
            default[key] = _plain(value, where, place)
        elif _is_only(value):
            default[key] = _named(value, here, where, place)
            if isinstance(value, MutableMapping):
                kept += [f"{place}.{name}" for name, each in value.items() if _seems_empty(each) and here.get(name)]
                kept += merge(default[key], value, where=where, path=place)
        elif isinstance(value, MutableMapping):
            kept += merge(here, value, where=where, path=place)
        else:
            raise PipelineError(f"{where}: {place} is {_shown(value)}, but a mapping in params.yaml.")
    return kept


def _check_key(key: object, default: Mapping, where: str, path: str) -> None:
    below = f" below {path}" if path else ""
    if not isinstance(key, str):
        raise PipelineError(
            f'{where}: {key} is a key{below}, and YAML takes it for no word. Put it into quotes: "{key}"'
        )
    if key not in default and set(path.split(".")).isdisjoint(OPEN_KEYS):
        raise PipelineError(f"{where}: params.yaml has {unknown('key', key, list(default), below)}")


def _named(names: object, default: Mapping, where: str, path: str) -> dict[str, Any]:
    """What `default` has of the names with the tag !only, in its own order."""
    if not isinstance(names, MutableMapping | list):
        raise PipelineError(f"{where}: {path} is {_shown(names)}; {ONLY} stands before a list of names or a mapping.")
    for name in names:
        _check_key(name, default, where, path)
        if isinstance(names, list) and name not in default:
            error = unknown("key", name, list(default), f" below {path}")
            raise PipelineError(f"{where}: a list after {ONLY} keeps what params.yaml has, and it has {error}")
    return {name: default[name] for name in default if name in names}


def _plain(value: Any, where: str, path: str) -> Any:  # noqa: ANN401
    """A value that params.yaml has no counterpart of, so that !only has nothing to keep, without that tag."""
    is_mapping = isinstance(value, MutableMapping)
    if _is_only(value):
        if not is_mapping:
            raise PipelineError(
                f"{where}: {path} is {_shown(value)}; {ONLY} keeps names, and params.yaml has none here."
            )
        delattr(value, Tag.attrib)
    for key, each in list(value.items()) if is_mapping else []:
        if not isinstance(key, str):
            _check_key(key, {}, where, path)
        value[key] = _plain(each, where, f"{path}.{key}")
    return value


def _is_only(value: object) -> bool:
    tag = getattr(value, "tag", None)
    return isinstance(tag, Tag) and tag.value == ONLY


def _seems_empty(value: object) -> bool:
    return isinstance(value, MutableMapping) and not value and not _is_only(value)


def _shown(value: object) -> str:
    text = repr(value.value if isinstance(value, TaggedScalar) else value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _yaml() -> YAML:
    """A reader and writer that keeps comments, key order and the way numbers and strings are written."""
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 120
    return yaml


def _load(path: Path) -> Mapping:
    """The mapping that a file holds. Raises PipelineError where it holds none, or asks to be read in another way."""
    try:
        text = path.read_text(encoding="utf-8")
        tree = _yaml().load(text)
    except Exception as error:  # ruamel passes on what Python raises: KeyError of `!!bool x`, ValueError of 2020-13-13
        raise PipelineError(f"cannot read {path}: {_reason(error)}. Mend it; it must be YAML in UTF-8.") from error
    if DIRECTIVE.match(text):
        raise PipelineError(f"{path} begins with a directive (%). Remove it: all YAML here is read as YAML 1.2.")
    if tree is None:
        return {}
    if not isinstance(tree, MutableMapping):
        raise PipelineError(f"{path} is {_shown(tree)}; it must map keys of params.yaml to values.")
    return tree


def _reason(error: Exception) -> str:
    if isinstance(error, MarkedYAMLError) and error.problem_mark:
        return f"line {error.problem_mark.line + 1}, {error.problem}"
    return f"{type(error).__name__}, {error}"
