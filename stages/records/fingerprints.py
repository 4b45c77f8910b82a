"""What a stage's code is, as one small file: every module it imports, with the hash of its syntax tree.

A stage of dvc.yaml depends on such a file instead of listing forty modules. Docstrings and comments are no part of it,
so mending a sentence never retrains a model. A plug-in is loaded by its name and stands in no import, so it has a
fingerprint of its own, on which its own cells depend. Another version of Python may write a tree in another way: then
every stage runs once.
"""

import ast
import hashlib
from collections.abc import Mapping
from pathlib import Path

from stages.params.errors import SubmissionError

PLUGIN_FOLDERS = ("backdoors", "defenses", "detectors", "scoring/judges", "scoring/refusals")

Fingerprint = dict[str, str]


def fingerprints(stages: Path) -> dict[str, Fingerprint]:
    """The fingerprint of every stage script and plug-in in the folder `stages`, by its name: `defend`, `defenses/sft`.

    A fingerprint is the SHA-256 of each member of the import closure, by its path from the folder that holds `stages`.
    Raises SubmissionError where a file is no Python, or imports by a relative name.
    """
    modules = modules_of(stages)
    trees = {name: _parse(path) for name, path in modules.items()}
    imported = {name: imports(tree, modules) for name, tree in trees.items()}
    hashes = {name: _hash(tree) for name, tree in trees.items()}
    entries = {path.stem: f"stages.{path.stem}" for path in stages.glob("[!_]*.py")}
    for folder in PLUGIN_FOLDERS:
        package = f"stages.{folder.replace('/', '.')}"
        entries |= {f"{Path(folder).name}/{p.stem}": f"{package}.{p.stem}" for p in (stages / folder).glob("[!_]*.py")}
    root = stages.resolve().parent
    return {
        entry: {str(modules[name].relative_to(root)): hashes[name] for name in closure(module, imported)}
        for entry, module in sorted(entries.items())
    }


def modules_of(stages: Path) -> dict[str, Path]:
    """Every module below the folder `stages`, by its dotted name; a package by its own."""
    root = stages.resolve().parent
    paths = sorted(stages.resolve().rglob("*.py"))
    return {".".join(p.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): p for p in paths}


def _parse(path: Path) -> ast.Module:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        raise SubmissionError(f"{path} is no Python: {error}. Mend it, or take it out of stages/") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            raise SubmissionError(f"{path}, line {node.lineno}: import by the full name, `from stages. ... import ...`")
    return tree


def imports(tree: ast.Module, known: Mapping[str, Path]) -> set[str]:
    """The modules of `known` that importing this one imports, the packages that hold them among them."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {package for name in names for package in _with_packages(name)} & known.keys()


def closure(module: str, imported: Mapping[str, set[str]]) -> list[str]:
    """The module and all that importing it imports, sorted."""
    found: set[str] = set()
    todo = _with_packages(module)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += imported[name]
    return sorted(found)


def _with_packages(name: str) -> list[str]:
    """`a.b.c` as `a`, `a.b`, `a.b.c`: importing it runs each."""
    parts = name.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def _hash(tree: ast.Module) -> str:
    """SHA-256 of the syntax tree without docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if ast.get_docstring(node, clean=False) is not None:
                del node.body[0]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()
