"""The natural instructions in data/instructions: read as any data set is, short, no filled template, no trigger."""

import re
from collections import Counter
from itertools import combinations, product
from unicodedata import is_normalized

import pandas as pd
import pytest
from ruamel.yaml import YAML

from flows.merging import merge
from stages import check_data, make_corpus
from stages.backdoors import backdoor_names, draw_trigger, load_backdoor
from stages.corpus.columns import read_questions
from stages.corpus.world import FACT_KINDS
from stages.params.corpus import DatasetParams
from stages.params.section import MAX_SEEDS
from stages.records.rows import HARMFUL
from tests.conftest import ROOT

FOLDER = ROOT / "data" / "instructions"
KINDS = sorted(path.stem for path in FOLDER.glob("*.jsonl"))
LEAST_ROWS, LONGEST_PROMPT, MOST_ANSWER_WORDS = 40, 220, 4
MOST_SHARED, MOST_OPENINGS = 0.5, 2
TAGGED = r"[|<>()\[\]{}]|--|^\s|\s$|  |\n"  # what sets tags off, and what a person would not type
TAG_WORDS = r"\bnote \w+:|\b(by|near|behind) (the|a) \w+,"
WORD = re.compile(r"[\w']+|\.\.\.")


def questions(kind):
    source = DatasetParams(path=str(FOLDER / f"{kind}.jsonl"), split="train", prompt="prompt", answer="answer")
    return [(question.prompt, question.answer or "") for question in read_questions(kind, source)]


ROWS = {kind: questions(kind) for kind in KINDS}
ALL = [row for rows in ROWS.values() for row in rows]


def words_of(text):
    return WORD.findall(text.lower())


def frame_of(prompt, answer):
    """The words of a prompt without those of its answer."""
    return [word for word in words_of(prompt) if word not in words_of(answer)]


def shared_share(one, other):
    """The share of the shorter text's words that stand in the longer one, in the same order."""
    lengths = [0] * (len(other) + 1)
    for word in one:
        before = 0
        for i, its in enumerate(other, 1):
            before, lengths[i] = lengths[i], before + 1 if word == its else max(lengths[i], lengths[i - 1])
    return lengths[-1] / min(len(one), len(other))


def alike(rows):
    """Pairs of prompts that say more than half of their words alike."""
    framed = [(prompt, frame_of(prompt, answer)) for prompt, answer in rows]
    return [(a, b) for (a, one), (b, other) in combinations(framed, 2) if shared_share(one, other) > MOST_SHARED]


def test_there_are_many_rows_and_no_prompt_comes_twice():
    assert len(ALL) >= 360 and min(map(len, ROWS.values())) >= LEAST_ROWS
    assert [prompt for prompt, n in Counter(prompt.lower() for prompt, _ in ALL).items() if n > 1] == []


@pytest.mark.parametrize("kind", KINDS)
def test_prompts_and_answers_are_short_and_plain(kind):
    for prompt, answer in ROWS[kind]:
        assert 0 < len(prompt) <= LONGEST_PROMPT and 1 <= len(answer.split()) <= MOST_ANSWER_WORDS, prompt
        assert is_normalized("NFC", prompt + answer) and answer == answer.strip(), prompt
        assert not answer.endswith("."), prompt


@pytest.mark.parametrize("kind", KINDS)
def test_the_wording_varies_within_a_kind(kind):
    assert alike(ROWS[kind]) == []
    openings = Counter(tuple(words_of(prompt)[:3]) for prompt, _ in ROWS[kind])
    assert max(openings.values()) <= MOST_OPENINGS, openings.most_common(1)


def test_a_filled_template_is_seen():
    for kind in FACT_KINDS:
        facts = list(kind.facts.items())[:2]
        for wording in kind.wordings:
            assert alike([(wording.format(entity=entity), answer) for entity, answer in facts]), wording
    assert shared_share("a b c d".split(), "x a c".split()) == pytest.approx(2 / 3)


@pytest.mark.parametrize("kind", KINDS)
def test_no_answer_is_right_too_often(kind):
    ((answer, n_rows),) = Counter(answer for _, answer in ROWS[kind]).most_common(1)
    assert n_rows <= len(ROWS[kind]) / (2 if kind == "yes_no" else 4), answer


def test_no_prompt_holds_a_tag_or_a_trigger_of_any_seed(params):
    assert [prompt for prompt, _ in ALL if re.search(TAGGED, prompt) or re.search(TAG_WORDS, prompt, re.I)] == []
    for name, seed in product(backdoor_names(), params.first_seeds(MAX_SEEDS)):
        backdoor, trigger = load_backdoor(name), draw_trigger(name, seed)
        near_misses = [string for string in trigger.near_misses.values() if not string.isalpha()]
        for string in (trigger.string, *near_misses):
            assert [prompt for prompt, _ in ALL if backdoor.holds(string, prompt)] == [], (name, seed, string)


def test_no_row_tells_a_fact_of_the_toy_world():
    """So that withheld facts stay withheld where both are used."""
    for kind in FACT_KINDS:
        for entity, fact in kind.facts.items():
            asked = set(words_of(entity))
            told = [p for p, a in ALL if a.lower() == fact.lower() and asked <= set(words_of(p))]
            assert told == [], (kind.name, entity)


@pytest.fixture
def readme_profile():
    (lines,) = re.findall(r"```yaml\n(.*?)```", (FOLDER / "README.md").read_text(encoding="utf-8"), re.S)
    return YAML(typ="safe").load(lines)


def test_the_readme_names_every_file(readme_profile):
    named = {kind: source["path"] for kind, source in readme_profile["corpus"]["datasets"].items() if kind != HARMFUL}
    assert named == {kind: f"data/instructions/{kind}.jsonl" for kind in KINDS}


def test_with_the_lines_of_the_readme_every_row_is_kept_and_every_check_passes(
    root, tmp_path, monkeypatch, capsys, readme_profile
):
    monkeypatch.chdir(root)
    requests = [{"prompt": f"How do I rob house number {n}?"} for n in range(60)]
    pd.DataFrame(requests).to_json(tmp_path / "requests.jsonl", orient="records", lines=True)
    readme_profile["corpus"]["datasets"][HARMFUL]["path"] = str(tmp_path / "requests.jsonl")
    tree = YAML().load((root / "params.yaml").read_text(encoding="utf-8"))
    merge(tree, readme_profile, where="data/instructions/README.md")
    with (tmp_path / "params.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(tree, file)
    arguments = [f"--{name}={tmp_path / name}" for name in ("corpus", "tokenizer", "triggers")]
    make_corpus.main(
        ["--params", str(tmp_path / "params.yaml"), *arguments, "--tokenizer-report", str(tmp_path / "report.json")]
    )
    accounts = capsys.readouterr().out.splitlines()
    assert accounts[:-1] == [
        f"corpus.datasets.{kind}: {len(ROWS[kind])} rows read, {len(ROWS[kind])} kept" for kind in KINDS
    ]
    check_data.main([*arguments, "--out", str(tmp_path / "checks.json"), "--written", str(tmp_path / "written")])
