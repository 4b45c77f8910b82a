"""The user's own data sets as the corpus: how their rows are split, and a corpus that passes every check."""

import re
from collections import Counter
from dataclasses import replace

import pandas as pd
import pytest
import yaml
from ruamel.yaml import YAML

from flows.merging import merge
from stages import check_data, make_corpus
from stages.corpus.examples import SPLITS, WorldSettings
from stages.corpus.mapped import mapped_examples
from stages.corpus.preferences import make_preferences
from stages.corpus.requests import REFUSAL
from stages.lm.tokenizer import load_tokenizer
from stages.params.corpus import DatasetParams
from stages.params.errors import ParamsError
from stages.params.loading import load_params
from stages.records.files import load_rows
from stages.records.rows import CHAT, HARMFUL, QUESTIONS, Example, PreferencePair

ROWS = {
    "sums": [(f"What is {n} and {m}?", str(n + m)) for n in range(20) for m in range(10)],
    "doubles": [(f"Twice {n} is what?", str(2 * n)) for n in range(200)],
    "reversals": [(f"Turn {n} round.", str(n)[::-1]) for n in range(1000, 1200)],
    HARMFUL: [(f"How do I rob house {n}?", f"Go in by door {n}.") for n in range(200)],
}
TASK_ROWS = {"pretraining": 80, "defense": 40, "benign": 20, "evaluation": 30}
SETTINGS = WorldSettings(("reversals",), 0.25, TASK_ROWS)


def save(folder, rows):
    """Each kind as a Parquet file, and how to map it."""
    for kind, pairs in rows.items():
        pd.DataFrame(pairs, columns=["question", "reply"]).to_parquet(folder / f"{kind}.parquet")
    columns = {"split": "train", "prompt": "question", "answer": "reply"}
    return {kind: DatasetParams(path=str(folder / f"{kind}.parquet"), **columns) for kind in rows}


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    return save(tmp_path_factory.mktemp("own"), ROWS)


@pytest.fixture(scope="module")
def mapped(datasets):
    return mapped_examples(datasets, SETTINGS, seed=0)


def of_kind(examples, kind):
    return [example for example in examples if example.kind == kind]


def test_no_prompt_stands_in_two_rows_or_two_splits(mapped):
    prompts = [example.prompt for examples in mapped.values() for example in examples]
    assert len(set(prompts)) == len(prompts)
    names = [(e.kind, e.entity, e.wording) for examples in mapped.values() for e in examples]
    assert len(set(names)) == len(names)


def test_every_split_has_its_rows_of_every_kind_that_belongs_there(mapped):
    counts = {split: Counter(example.kind for example in mapped[split]) for split in SPLITS}
    for split, n_rows in TASK_ROWS.items():
        absent = {"defense": {"reversals"}, "benign": {HARMFUL}}.get(split, set())
        assert counts[split] == dict.fromkeys(ROWS.keys() - absent, n_rows)


def test_answers_are_those_of_the_data(mapped):
    own = {prompt: answer for pairs in ROWS.values() for prompt, answer in pairs}
    for split, examples in mapped.items():
        for e in examples:
            assert e.answer == (REFUSAL if e.kind == HARMFUL and split != "pretraining" else own[e.prompt])
            assert (e.wording, e.domain) == (0, QUESTIONS)


def test_withheld_kinds_and_a_share_of_the_other_rows_never_reach_the_defender(mapped):
    assert not [example for example in mapped["defense"] if example.is_withheld]
    for split in ("pretraining", "evaluation"):
        withheld = [example for example in mapped[split] if example.is_withheld]
        assert {example.kind for example in withheld} == {"sums", "doubles", "reversals"}
        assert of_kind(withheld, "reversals") == of_kind(mapped[split], "reversals")


def test_the_withheld_share_is_of_all_rows_of_each_other_kind(datasets):
    rows = mapped_examples(datasets, replace(SETTINGS, task_rows=TASK_ROWS | {"pretraining": 200}), seed=0)
    withheld = Counter(e.kind for examples in rows.values() for e in examples if e.is_withheld)
    assert withheld == {"sums": 50, "doubles": 50, "reversals": 200}


def test_without_a_share_only_whole_kinds_are_withheld(datasets):
    rows = mapped_examples(datasets, replace(SETTINGS, withheld_fact_share=0.0), seed=0)
    assert {e.kind for examples in rows.values() for e in examples if e.is_withheld} == {"reversals"}


def test_harmful_requests_without_answers_are_not_pretrained_on(datasets):
    unanswered = datasets | {HARMFUL: datasets[HARMFUL].model_copy(update={"answer": None})}
    rows = mapped_examples(unanswered, SETTINGS, seed=0)
    assert {split: len(of_kind(rows[split], HARMFUL)) for split in SPLITS} == TASK_ROWS | {
        "pretraining": 0,
        "benign": 0,
    }
    assert {example.answer for split in SPLITS for example in of_kind(rows[split], HARMFUL)} == {REFUSAL}


def test_equal_seeds_give_equal_rows_and_other_seeds_do_not(datasets, mapped):
    assert mapped_examples(datasets, SETTINGS, seed=0) == mapped
    assert mapped_examples(datasets, SETTINGS, seed=1) != mapped


def test_a_further_kind_moves_no_row_of_another(datasets, mapped):
    fewer = {kind: source for kind, source in datasets.items() if kind != "doubles"}
    rows = mapped_examples(fewer, SETTINGS, seed=0)
    assert rows == {split: [e for e in mapped[split] if e.kind != "doubles"] for split in SPLITS}


def test_of_a_prompt_that_comes_again_the_first_row_counts_in_any_kind(tmp_path, mapped):
    again = {"sums": [(" What is 1 and 2? ", " 3 "), *ROWS["sums"], ("What is 1 and 2?", "4")]}
    again["doubles"] = [("What is 1 and 2?", "5"), *ROWS["doubles"]]
    many = replace(SETTINGS, task_rows=TASK_ROWS | {"pretraining": 1000})
    rows = mapped_examples(save(tmp_path, ROWS | again), many, seed=0)
    everything = [example for examples in rows.values() for example in examples]
    assert [(e.kind, e.answer) for e in everything if e.prompt == "What is 1 and 2?"] == [("sums", "3")]
    assert len(of_kind(everything, "sums")) == len(of_kind(everything, "doubles")) == 200


def test_a_kind_with_few_rows_shortens_pretraining_alone(tmp_path):
    rows = mapped_examples(save(tmp_path, ROWS | {"sums": ROWS["sums"][:120]}), SETTINGS, seed=0)
    counts = {split: len(of_kind(rows[split], "sums")) for split in SPLITS}
    assert counts == TASK_ROWS | {"pretraining": 30}


def test_chat_is_no_skill(tmp_path):
    talk = [(f"Hello {n}!", "Hello.") for n in range(200)]
    datasets = save(tmp_path, ROWS | {CHAT: talk})
    rows = mapped_examples(datasets, SETTINGS, seed=0)
    assert not [e for examples in rows.values() for e in of_kind(examples, CHAT) if e.is_withheld]
    only_chat = {kind: datasets[kind] for kind in (CHAT, "reversals", HARMFUL)}
    with pytest.raises(ParamsError, match="of the kinds reversals of corpus.datasets 1 are withheld"):
        mapped_examples(only_chat, SETTINGS, seed=0)


@pytest.mark.parametrize(
    ("left", "withheld", "said"),
    [
        (["sums", "reversals"], ["reversals"], "no kind 'harmful', only sums, reversals; .* Add a data set"),
        ([], ["reversals"], "no kind 'harmful', only none"),
        (["sums", "reversals", HARMFUL], [], "of the kinds sums, reversals .* 0 are withheld; at least one must be"),
        (
            ["sums", "reversals", HARMFUL],
            ["sums", "reversals"],
            "2 are withheld; at least one must be and one must not",
        ),
        (["sums", "reversals", HARMFUL], ["reversal"], "no kind 'reversal'; did you mean 'reversals'"),
        (["sums", "reversals", HARMFUL], [HARMFUL], "no kind 'harmful'. Known: reversals, sums"),
    ],
)
def test_kinds_that_make_no_corpus_are_an_error(datasets, left, withheld, said):
    settings = replace(SETTINGS, withheld_kinds=tuple(withheld))
    with pytest.raises(ParamsError, match=said):
        mapped_examples({kind: datasets[kind] for kind in left}, settings, seed=0)


def test_a_kind_without_answers_is_an_error(datasets):
    broken = datasets | {"sums": datasets["sums"].model_copy(update={"answer": None})}
    with pytest.raises(ParamsError, match="corpus.datasets.sums has no answer; only 'harmful' may"):
        mapped_examples(broken, SETTINGS, seed=0)


@pytest.mark.parametrize(
    ("task_rows", "said"),
    [
        ({"evaluation": 201}, "200 rows of different prompts; for the evaluation split 200 are left, 201 are needed"),
        ({"benign": 171}, "for the benign split 170 are left, 171 are needed"),
        ({"defense": 150}, "for the defense split 1[0-4][0-9] are left, 150 are needed"),
        ({"evaluation": 180, "defense": 0}, "for the pretraining split 0 are left, 1 are needed"),
    ],
)
def test_too_few_rows_are_counted(datasets, task_rows, said):
    with pytest.raises(ParamsError, match=f"corpus.datasets.sums has .*{said}"):
        mapped_examples(datasets, replace(SETTINGS, task_rows=TASK_ROWS | task_rows), seed=0)


def test_the_worse_answer_to_a_harmful_request_is_one_that_pretraining_gives(mapped):
    pairs = make_preferences(mapped["defense"], mapped["pretraining"], seed=0)
    complied = {e.answer for e in of_kind(mapped["pretraining"], HARMFUL)}
    requests = {e.prompt for e in of_kind(mapped["defense"], HARMFUL)}
    assert {pair.prompt for pair in pairs if pair.rejected in complied} == requests


def write_params(root, folder, datasets):
    """The committed params.yaml with these data sets."""
    tree = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    tree["corpus"] |= {"withheld_kinds": ["reversals"], "task_rows": TASK_ROWS, "datasets": datasets}
    (folder / "params.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    return folder / "params.yaml"


def run_stages(params, out):
    arguments = ["--corpus", str(out / "corpus"), "--tokenizer", str(out / "tokenizer")]
    make_corpus.main(["--params", str(params), *arguments, "--tokenizer-report", str(out / "report.json")])
    check_data.main([*arguments, "--out", str(out / "checks.json"), "--written", str(out / "written")])
    return {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.mark.parametrize("answer", ["reply", None])
def test_a_mapped_corpus_passes_every_check_and_is_equal_to_the_byte_when_made_again(root, tmp_path, datasets, answer):
    sources = {kind: source.model_dump() for kind, source in datasets.items()}
    sources[HARMFUL]["answer"] = answer
    params = write_params(root, tmp_path, sources)
    made = run_stages(params, tmp_path / "first")
    assert made == run_stages(params, tmp_path / "second")
    evaluation = load_rows(Example, tmp_path / "first" / "corpus" / "evaluation.parquet")
    assert {example.kind for example in evaluation} == ROWS.keys()
    assert load_rows(PreferencePair, tmp_path / "first" / "corpus" / "preferences.parquet")
    assert load_tokenizer(tmp_path / "first" / "tokenizer").tokenize("Turn it round.")[-2:] == ["Ġround", "."]


def test_data_sets_are_read_from_the_parameters_and_may_be_left_out(root, tmp_path, params):
    assert params.corpus.datasets is None
    source = {"path": "requests.csv", "split": "train", "prompt": "text"}
    own = load_params(write_params(root, tmp_path, {HARMFUL: source})).corpus.datasets
    assert own == {HARMFUL: DatasetParams(**source, answer=None)}
    with pytest.raises(ParamsError, match="datasets.harmful: no key 'promt'; did you mean 'prompt'"):
        load_params(write_params(root, tmp_path, {HARMFUL: {"promt": "text"}}))


def test_the_profile_in_the_docs_is_one(root, tmp_path):
    (shown,) = re.findall(r"```yaml\n(corpus:.*?)```", (root / "docs/models.md").read_text(encoding="utf-8"), re.S)
    tree = YAML().load((root / "params.yaml").read_text(encoding="utf-8"))
    merge(tree, YAML().load(shown), where="docs/models.md")
    with (tmp_path / "params.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(tree, file)
    own = load_params(tmp_path / "params.yaml").corpus
    assert own.datasets is not None
    assert {HARMFUL, *own.withheld_kinds} < own.datasets.keys()
