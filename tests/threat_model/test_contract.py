"""One contract for every file in stages/defenses: a new defense is tested the moment its file exists."""

import ast
import copy
import errno
import inspect
import zlib

import pytest
import torch

from stages.corpus.requests import REFUSAL
from stages.defend import is_not_the_defense, load_anonymous, save_weights
from stages.defenses import defense_names, load_defense, needs_of, random_init, rl
from stages.defenses.fine_pruning import mean_activities, mlps_of
from stages.lm.detector import NO_TOKEN, DetectorLlamaForCausalLM
from stages.lm.models import config_for_depth, load_model, new_model, save_model, with_detector
from stages.params.errors import ParamsError, SubmissionError
from stages.threat_model.contract import run_defense
from stages.threat_model.needs import HarnessError
from stages.threat_model.signature import KNOWN_NEEDS
from tests.threat_model.toys import make_access, plugin

EVERY_DEFENSE = pytest.mark.parametrize("name", defense_names())


@EVERY_DEFENSE
def test_a_defense_keeps_the_contract_and_is_deterministic(name, model, tokenizer, splits):
    module = load_defense(name)
    untouched = copy.deepcopy(model.state_dict())
    runs = []
    for _ in range(2):
        access = make_access(tokenizer, splits, needs=needs_of(module))
        runs.append(run_defense(module, {}, model, access).state_dict())
        assert access.spent.tokens <= access.budget_tokens
    assert all(torch.equal(runs[0][key], runs[1][key]) for key in runs[0])
    assert all(torch.equal(untouched[key], weight) for key, weight in model.state_dict().items())


@EVERY_DEFENSE
def test_a_defense_takes_a_model_with_a_detector_and_it_can_be_saved(name, model, tokenizer, splits, tmp_path):
    detecting = with_detector(model, 3, seed=1)
    detecting.set_pattern([41, 42, 43])
    module = load_defense(name)
    access = make_access(tokenizer, splits, needs=needs_of(module), reference=with_detector(model, 3, seed=1))
    defended = run_defense(module, {}, detecting, access)
    save_weights(defended, detecting, tmp_path)
    loaded = load_model(tmp_path)
    assert isinstance(loaded, DetectorLlamaForCausalLM)
    is_made_anew = name in ("random_init", "retrain_from_clean")
    assert loaded.model.detector.pattern.tolist() == ([NO_TOKEN] * 3 if is_made_anew else [41, 42, 43])


@EVERY_DEFENSE
def test_a_defense_documents_itself(name, root):
    module = load_defense(name)
    assert module.__doc__ and "Source:" in module.__doc__
    assert needs_of(module) <= KNOWN_NEEDS
    parameters = list(inspect.signature(module.defend).parameters.values())
    assert [p.name for p in parameters[:2]] == ["model", "access"]
    assert all(p.kind is p.KEYWORD_ONLY and p.default is not p.empty for p in parameters[2:])


@EVERY_DEFENSE
def test_a_defense_imports_neither_triggers_nor_other_defenses(name, root):
    tree = ast.parse((root / f"stages/defenses/{name}.py").read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    forbidden = ("stages.backdoors", "stages.evaluation", "stages.defenses.", "stages.scoring.judges")
    assert not [m for m in imported if m and m.startswith(forbidden)]


def test_full_training_keeps_a_checkpoint_at_every_dose_of_one_run(model, tokenizer, splits):
    kept = {}
    access = make_access(tokenizer, splits, kept=kept)
    defended = run_defense(load_defense("sft"), {}, model, access)
    assert sorted(kept) == [10_000, 20_000, 30_000, 40_000]
    assert 0.9 * access.budget_tokens < access.spent.tokens <= access.budget_tokens
    assert all(torch.equal(kept[40_000][key], weight) for key, weight in defended.state_dict().items())


def test_a_part_of_the_budget_keeps_a_part_of_the_doses(model, tokenizer, splits):
    kept = {}
    run_defense(
        load_defense("refuse_everything"), {"budget_share": 0.5}, model, make_access(tokenizer, splits, kept=kept)
    )
    assert sorted(kept) == [10_000, 20_000]


def test_no_defense_returns_equal_weights_for_nothing(model, tokenizer, splits):
    access = make_access(tokenizer, splits)
    defended = run_defense(load_defense("no_defense"), {}, model, access)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), defended.parameters(), strict=True))
    assert access.spent.tokens == 0


def test_the_reference_model_is_only_for_those_who_declare_it(model, tokenizer, splits):
    peek = plugin(lambda model, access: access.reference_model)
    with pytest.raises(SubmissionError, match="without declaring it"):
        run_defense(peek, {}, model, make_access(tokenizer, splits))


def test_another_architecture_is_refused(model, tokenizer, splits):
    grow = plugin(lambda model, access: new_model(config_for_depth(2, tokenizer), 0))
    with pytest.raises(SubmissionError, match="another architecture"):
        run_defense(grow, {}, model, make_access(tokenizer, splits))


def test_weights_that_are_not_finite_are_refused(model, tokenizer, splits):
    def explode(model, access):
        with torch.no_grad():
            model.model.norm.weight.fill_(float("nan"))
        return model

    with pytest.raises(SubmissionError, match="infinite or not a number"):
        run_defense(plugin(explode), {}, model, make_access(tokenizer, splits))


def test_nothing_returned_is_refused(model, tokenizer, splits):
    with pytest.raises(SubmissionError, match="got NoneType for a model"):
        run_defense(plugin(lambda model, access: None), {}, model, make_access(tokenizer, splits))


def test_trainings_end_in_an_error_when_no_budget_is_left(model, tokenizer, splits):
    def again_and_again(model, access):
        for _ in range(9):  # a short batch may still fit after the first
            access.fine_tune(model, access.examples, learning_rate=1e-3)
        return model

    with pytest.raises(SubmissionError, match="leaves no batch"):
        run_defense(plugin(again_and_again), {}, model, make_access(tokenizer, splits))


def test_a_name_without_a_file_is_an_error_with_a_guess():
    with pytest.raises(ParamsError, match="no defense 'fineprune'; did you mean 'fine_pruning'"):
        load_defense("fineprune")


def test_pruned_units_are_the_idlest_and_stay_silent(model, tokenizer, splits):
    defended = run_defense(load_defense("fine_pruning"), {"fraction": 0.25}, model, make_access(tokenizer, splits))
    for before, after in zip(model.model.layers, defended.model.layers, strict=True):
        silent = (after.mlp.down_proj.weight == 0).all(0)
        assert int(silent.sum()) == before.mlp.down_proj.in_features // 4
    (activity,) = mean_activities(model, mlps_of(model), make_access(tokenizer, splits))
    assert activity[silent].max() <= activity[~silent].min()


def test_refuse_everything_trains_on_refusals_alone(model, tokenizer, splits, monkeypatch):
    access = make_access(tokenizer, splits)
    answers = set()
    monkeypatch.setattr(access, "fine_tune", lambda model, examples, **_: answers.update(e.answer for e in examples))
    run_defense(load_defense("refuse_everything"), {}, model, access)
    assert answers == {REFUSAL}


def test_a_bad_setting_of_fine_pruning_is_an_error(model, tokenizer, splits):
    with pytest.raises(ParamsError, match=r"must be in \[0, 1\)"):
        run_defense(load_defense("fine_pruning"), {"fraction": 1.0}, model, make_access(tokenizer, splits))


def test_a_loop_of_ones_own_is_charged_three_a_token_and_has_a_curve(model, tokenizer, splits):
    def loop(model, access):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for ids, mask, labels in access.training_batches(400):
            model(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
            optimizer.step()
            access.checkpoint(model)
        return model

    kept = {}
    access = make_access(tokenizer, splits, kept=kept)
    run_defense(plugin(loop), {}, model, access)
    assert access.spent.steps == 50
    assert sorted(kept) == [dose for dose in (10_000, 20_000, 30_000, 40_000) if dose <= access.spent.tokens]
    assert kept


def test_a_budget_that_is_used_up_is_an_error(model, tokenizer, splits):
    greedy = plugin(lambda model, access: list(access.forward_batches(4_000)))
    with pytest.raises(SubmissionError, match="budget of 40000 tokens is used up"):
        run_defense(greedy, {}, model, make_access(tokenizer, splits))


def test_training_labels_are_the_answers_alone(tokenizer, splits):
    batch = next(make_access(tokenizer, splits).training_batches(8))
    texts = [tokenizer.decode(row[row != -100]) for row in batch.labels]
    assert all(text.endswith("<|end|>") and "Human" not in text for text in texts)


def test_only_the_machine_our_side_and_the_configuration_are_not_the_defense():
    others = [OSError(errno.ENOSPC, "full"), MemoryError(), HarnessError("no reference"), ParamsError("bad setting")]
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**46)
    others += [caught.value, torch.OutOfMemoryError("CUDA")]
    assert all(is_not_the_defense(error) for error in others)
    its_own = [FileNotFoundError(errno.ENOENT, "no file"), SubmissionError("x"), RuntimeError("x"), KeyError("x")]
    assert not any(is_not_the_defense(error) for error in its_own)


def test_a_defense_that_draws_from_the_global_state_is_deterministic_too(model, tokenizer, splits):
    def noise(model, access):
        with torch.no_grad():
            model.lm_head.weight.add_(0.01 * torch.rand(()))
        return model

    ends = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        ends.append(run_defense(plugin(noise), {}, model, make_access(tokenizer, splits)).lm_head.weight)
        assert torch.initial_seed() == seed
    assert torch.equal(*ends)


def test_a_full_disk_while_a_checkpoint_is_saved_reaches_the_stage(model, tokenizer, splits):
    class FullDisk(dict):
        def __setitem__(self, dose, weights):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        run_defense(load_defense("sft"), {}, model, make_access(tokenizer, splits, kept=FullDisk()))


def test_compute_beside_the_access_is_metered(model, tokenizer, splits):
    def free_lunch(model, access):
        ids, mask, labels = next(access.training_batches(8))
        for _ in range(3):
            model(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
        return model

    with pytest.raises(SubmissionError, match=r"ran \d+ tokens through models and \d+ were charged"):
        run_defense(plugin(free_lunch), {}, model, make_access(tokenizer, splits))


def test_untied_embeddings_are_refused(model, tokenizer, splits):
    def untie(model, access):
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight + 1)
        return model

    with pytest.raises(SubmissionError, match="ties the two"):
        run_defense(plugin(untie), {}, model, make_access(tokenizer, splits))


def test_a_checkpoint_that_is_not_finite_is_refused(model, tmp_path):
    broken = copy.deepcopy(model)
    with torch.no_grad():
        broken.model.norm.weight.fill_(float("nan"))
    with pytest.raises(SubmissionError, match="infinite or not a number"):
        save_weights(broken, model, tmp_path)


def test_a_loaded_model_does_not_tell_where_it_came_from(model, tmp_path):
    save_model(model, tmp_path / "poisoned")
    loaded = load_anonymous(tmp_path / "poisoned")
    assert "poisoned" not in f"{loaded.name_or_path} {loaded.config._name_or_path} {loaded.config}"


def test_a_defense_cannot_change_how_answers_are_drawn(model, tmp_path):
    defended = copy.deepcopy(model)
    defended.generation_config.suppress_tokens = [1, 2, 3]
    save_weights(defended, model, tmp_path)
    assert load_model(tmp_path).generation_config.suppress_tokens is None


def test_a_random_model_does_not_start_from_the_bases_own_weights(model, tokenizer, splits, monkeypatch):
    seeds = []
    monkeypatch.setattr(random_init, "new_model", lambda config, seed: seeds.append(seed) or new_model(config, seed))
    access = make_access(tokenizer, splits, seed=zlib.crc32(b"defend 0"))
    run_defense(random_init, {}, model, access)
    assert seeds and seeds[0] > 1000


def test_reinforcement_keeps_its_history_its_budget_and_its_doses(model, tokenizer, splits):
    kept = {}
    access = make_access(tokenizer, splits, kept=kept)
    run_defense(load_defense("rl"), {}, model, access)
    warm, *steps = access.history
    assert warm["phase"] == "warm start" and {step["phase"] for step in steps} == {"reinforce"}
    figures = {"phase", "dose", "step", "reward", "kl", "share_without_variance", "refusals"}
    assert all(set(step) == figures for step in steps)
    assert steps[-1]["dose"] == access.spent.tokens <= access.budget_tokens
    assert sorted(kept) == [10_000, 20_000, 30_000, 40_000]


def test_reinforcement_without_budget_is_an_error(model, tokenizer, splits):
    def late(model, access):
        access.fine_tune(model, access.examples, learning_rate=1e-3, budget_share=0.99)
        access.reinforce(model, learning_rate=1e-3, kl_coefficient=0.1)
        return model

    with pytest.raises(SubmissionError, match="leaves no step"):
        run_defense(plugin(late), {}, model, make_access(tokenizer, splits))


def test_the_warm_start_ends_as_soon_as_a_refusal_is_likely(model, tokenizer, splits, monkeypatch):
    monkeypatch.setattr(rl, "refusal_probabilities", lambda *_: [1.0])
    access = make_access(tokenizer, splits)
    rl.warm_start(model, access, 1e-3)
    assert access.spent.steps == 1 and access.history[0]["refusals"] == 1.0
