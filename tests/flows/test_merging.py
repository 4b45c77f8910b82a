"""How a profile changes params.yaml, and what it cannot say."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from flows.commands import PipelineError
from flows.merging import merge, merged_params

PARAMS = """# why
steps: 1.0e-3
board: [b]
lm: {depth: 4, heads: [1, 2]}
defenses: {none: {}, prune: {fraction: 1e-05}}
groups: {trainings: {rl: x}, size: {sft: {common: [x]}}}
data: null
"""


def merged(tmp_path: Path, profile: str | bytes) -> dict:
    (tmp_path / "params.yaml").write_text(PARAMS, encoding="utf-8")
    (tmp_path / "p.yaml").write_bytes(profile if isinstance(profile, bytes) else profile.encode())
    return YAML(typ="safe").load(merged_params(tmp_path / "params.yaml", tmp_path / "p.yaml"))


def test_mappings_merge_lists_replace_and_null_deletes() -> None:
    params = {"a": {"b": 1, "c": [1, 2], "d": 3}}
    merge(params, {"a": {"c": [9], "d": None}}, where="p.yaml")
    assert params == {"a": {"b": 1, "c": [9]}}


def test_of_a_mapping_marked_only_nothing_else_is_kept() -> None:
    override = YAML().load("organisms: !only {b: {steps: 2}}\nboard: [b]\n")
    params = {"organisms": {"a": {"steps": 9}, "b": {"steps": 9, "rate": 1}, "c": {}}, "board": ["a", "b"]}
    merge(params, override, where="p.yaml")
    assert params == {"organisms": {"b": {"steps": 2, "rate": 1}}, "board": ["b"]}


def test_a_key_the_default_lacks_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(PipelineError, match="no key 'dept'; did you mean 'depth'. Known below lm: depth"):
        merge({"lm": {"depth": 4}}, {"lm": {"dept": 2}}, where="p.yaml")


def test_defenses_organisms_and_sizes_may_gain_keys() -> None:
    params = {"defenses": {"none": {}}, "lm": {"sizes": {"s": 1}}}
    merge(params, {"defenses": {"new": {"x": 1}}, "lm": {"sizes": {"m": 2}}}, where="p.yaml")
    assert params == {"defenses": {"none": {}, "new": {"x": 1}}, "lm": {"sizes": {"s": 1, "m": 2}}}


@pytest.mark.parametrize("before", [None, {"sums": {"path": "a.csv"}}])
def test_data_sets_may_be_named_whether_or_not_there_are_some(before: dict | None) -> None:
    params = {"corpus": {"datasets": before}}
    merge(params, {"corpus": {"datasets": {"words": {"path": "b.csv"}}}}, where="p.yaml")
    assert params == {"corpus": {"datasets": (before or {}) | {"words": {"path": "b.csv"}}}}


def test_names_in_a_list_after_only_keep_what_params_yaml_has(tmp_path, capsys):
    assert merged(tmp_path, "defenses: !only [prune]\ngroups: !only [trainings]\n") == {
        "steps": 1e-3,
        "board": ["b"],
        "lm": {"depth": 4, "heads": [1, 2]},
        "defenses": {"prune": {"fraction": 1e-05}},
        "groups": {"trainings": {"rl": "x"}},
        "data": None,
    }
    assert capsys.readouterr().err == ""


def test_an_empty_mapping_below_only_keeps_what_params_yaml_has_and_says_so(tmp_path, capsys):
    assert merged(tmp_path, "defenses: !only {none: {}, prune: {}}")["defenses"] == {
        "none": {},
        "prune": {"fraction": 1e-05},
    }
    assert capsys.readouterr().err == (
        "p.yaml: defenses.prune below !only kept what params.yaml has. `!only [prune]` says so too, without this line; "
        "`prune: !only {}` empties it.\n"
    )


@pytest.mark.parametrize(
    ("profile", "key", "expected"),
    [
        ("defenses: !only {prune: !only {}}", "defenses", {"prune": {}}),
        ("defenses: {prune: !only {}}", "defenses", {"none": {}, "prune": {}}),
        ("groups: !only {size: {sft: !only {}}}", "groups", {"size": {"sft": {}}}),
        ("groups: !only {}", "groups", {}),
        ("groups: !only []", "groups", {}),
        ("data: !only {}", "data", {}),
        ("defenses: {new: !only {x: !only {y: 1}}}", "defenses.new", {"x": {"y": 1}}),
    ],
)
def test_only_before_an_empty_mapping_empties_wherever_it_stands(tmp_path, capsys, profile, key, expected):
    found = merged(tmp_path, profile)
    for name in key.split("."):
        found = found[name]
    assert found == expected
    assert capsys.readouterr().err == ""


def test_a_word_and_a_number_of_a_profile_are_what_yaml_1_2_says(tmp_path):
    found = merged(tmp_path, "defenses: {no: {rate: 1e-3, word: on}}\nsteps: 5e-4")
    assert (found["defenses"]["no"], found["steps"]) == ({"rate": 0.001, "word": "on"}, 0.0005)


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        (
            "groups: !only [trainigns]",
            "no key 'trainigns'; did you mean 'trainings'? Known below groups: size, trainings",
        ),
        ("groups: !only [1]", "1 is a key below groups, and YAML takes it for no word. Put it into quotes"),
        ("groups: !only trainings", "groups is 'trainings'; !only stands before a list of names or a mapping"),
        ("lm: !only {dept: 1}", "no key 'dept'; did you mean 'depth'? Known below lm: depth, heads"),
        ("board: !only [b]", "board is ['b']; !only keeps names, and params.yaml has none here"),
        (
            "defenses: {2024: {}}",
            '2024 is a key below defenses, and YAML takes it for no word. Put it into quotes: "2024"',
        ),
        ("defenses: {new: {true: 1}}", "True is a key below defenses.new"),
        ("null: 1", "None is a key, and YAML takes it for no word"),
        ("lm: null", "lm is null, but no section can be left out. Remove the line"),
        ("lm: [1]", "lm is [1], but a mapping in params.yaml"),
        ("lm: 3", "lm is 3, but a mapping in params.yaml"),
        ("board: {b: 1}", "board is a mapping, but ['b'] in params.yaml"),
        ("- a", "is ['a']; it must map keys of params.yaml to values"),
        ("word", "is 'word'; it must map keys"),
        ("lm: {depth: 1, depth: 2}", 'line 1, found duplicate key "depth"'),
        ("a: [", "cannot read"),
        ("lm: {depth: !!bool x}", "KeyError"),
        ("lm: {depth: !mine 3}", "makes a params.yaml that DVC cannot read: line"),
        ("lm: {heads: [!only [a]]}", "makes a params.yaml that DVC cannot read: line"),
        ("%YAML 1.1\n---\nlm: {depth: no}", "begins with a directive"),
        ("board: ['\\ud800']".replace("'", '"'), "cannot"),
        (b"a: \xff", "UnicodeDecodeError"),
        ("a: 1\n---\nb: 1", "line 2, but found another document"),
        ("[" * 3000, "RecursionError"),
    ],
)
def test_what_a_profile_cannot_say_is_an_error_of_its_own(tmp_path, profile, said):
    with pytest.raises(PipelineError) as caught:
        merged(tmp_path, profile)
    assert said in str(caught.value) and "p.yaml" in str(caught.value)


def test_an_empty_profile_changes_nothing(tmp_path):
    assert merged(tmp_path, "# nothing yet\n") == YAML(typ="safe").load(PARAMS)
