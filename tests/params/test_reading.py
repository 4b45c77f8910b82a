"""How YAML is read: as DVC and the profiles read it, and what no reader takes is a clear error."""

import io

import pytest
from dvc.utils.serialize import loads_yaml
from ruamel.yaml import YAML

from stages.params.errors import ParamsError
from stages.params.reading import MAX_DEPTH, read_tree

SCALARS = {
    "1e-3": 0.001,
    "1E5": 100000.0,
    "1.0e-3": 0.001,
    ".5": 0.5,
    "+.5": 0.5,
    "+1": 1,
    "010": 10,
    "0o10": 8,
    "0x1F": 31,
    "0b11": 3,
    "1_000": 1000,
    "12:30:45": "12:30:45",
    "no": "no",
    "yes": "yes",
    "on": "on",
    "off": "off",
    "y": "y",
    "NO": "NO",
    "true": True,
    "False": False,
    "null": None,
    "~": None,
    "1.5e": "1.5e",
    "1,000": "1,000",
    "09": 9,
    "0o9": "0o9",
    "e3": "e3",
    "'2024'": "2024",
    '"1e-3"': "1e-3",
    "!!str 2024": "2024",
}


def tree_of(tmp_path, text: str | bytes) -> object:
    path = tmp_path / "params.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_tree(path)


def error_of(tmp_path, text: str | bytes) -> str:
    with pytest.raises(ParamsError) as caught:
        tree_of(tmp_path, text)
    return str(caught.value)


@pytest.mark.parametrize("written", SCALARS)
def test_every_reader_takes_a_scalar_for_the_same(tmp_path, written):
    text, expected = f"a: {written}\n", {"a": SCALARS[written]}
    profile, copied = YAML(), io.StringIO()  # as flows/merging.py copies what a profile does not change
    profile.dump(profile.load(text), copied)
    for read in (tree_of(tmp_path, text), loads_yaml(text), tree_of(tmp_path, copied.getvalue())):
        assert read == expected and type(read["a"]) is type(expected["a"])


def test_aliases_and_merge_keys_stand_for_what_they_name(tmp_path):
    assert tree_of(tmp_path, "a: &x {b: 1}\nc: {<<: *x, d: 2}\ne: *x\n") == {
        "a": {"b": 1},
        "c": {"b": 1, "d": 2},
        "e": {"b": 1},
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('a: 1\nb: "\\ud800"', "params.yaml, line 2: found invalid Unicode character escape code"),
        ("a: 1\nb: {x: 1, x: 2}\n", 'params.yaml, line 2: found duplicate key "x" with value "2"'),
        (
            "datasets: {2024: x}",
            "params.yaml.datasets has the key 2024, which YAML takes for a number; a key is a word.",
        ),
        ("datasets: {2024: x}", 'Put it into quotes: "2024"'),
        ("a: [{1.5: x}]", "params.yaml.a[0] has the key 1.5, which YAML takes for a number"),
        (
            "True: 1",
            'has the key true, which YAML takes for true or false; a key is a word. Put it into quotes: "true"',
        ),
        ("a: {~: 1}", "params.yaml.a has the key null, which YAML takes for nothing"),
        ("2020-01-01: 1", "has the key 2020-01-01, which YAML takes for a date"),
        ("? [a, b]\n: 1", "has the key ('a', 'b'), which YAML takes for no word"),
        (
            "a: 2020-01-01",
            "params.yaml.a is datetime.date(2020, 1, 1), which YAML takes for a date; put it into quotes",
        ),
        ("a: .nan", "params.yaml.a is nan; expected a finite number"),
        ("a: [1, -.inf]", "params.yaml.a[1] is -inf; expected a finite number"),
        ("a: 1e999", "params.yaml.a is inf; expected a finite number"),
        ("a: !!set {x, y}", "which YAML takes for a value of type set; put it into quotes"),
        ("a: !!binary aGk=", "which YAML takes for a value of type bytes"),
        ("a: 1\n---\nb: 2", "params.yaml, line 2: but found another document"),
        ("a:\n\tb: 1", "params.yaml, line 2: found character that cannot start any token"),
        ("a: !only {}", "params.yaml, line 1: could not determine a constructor for the tag '!only'"),
        ("a: !!bool x", "KeyError, 'x'. It must be a YAML mapping"),
        ("a: 2020-99-99", "ValueError, month must be in 1..12"),
        ("a: *b", "params.yaml, line 1: found undefined alias"),
        ("a: " + "9" * 5000, "Exceeds the limit (4300 digits)"),
        ("a: &x [*x]", f"goes deeper than {MAX_DEPTH} levels"),
        ("[" * 3000 + "]" * 3000, f"goes deeper than {MAX_DEPTH} levels"),
        ("%YAML 1.1\n---\na: no", "begins with a directive (%). Remove it: all YAML here is read as YAML 1.2"),
        (b"a: \xff", "UnicodeDecodeError"),
        (b"a: \x00", "control characters are not allowed"),
    ],
)
def test_what_cannot_be_read_says_where_and_what_to_do(tmp_path, text, said):
    assert said in error_of(tmp_path, text)


def test_aliases_that_make_a_short_file_endless_are_an_error(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert "the file holds more than 100000 values" in error_of(tmp_path, "\n".join(lines))
