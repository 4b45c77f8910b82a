"""The control that trains a model on its own answers."""

from stages.defenses import self_sft
from stages.threat_model.contract import run_defense
from tests.threat_model.toys import make_access


def test_it_trains_on_what_the_model_said_and_spends_the_rest_of_the_budget(model, tokenizer, splits, monkeypatch):
    access = make_access(tokenizer, splits, budget_tokens=60_000)
    said, trained = {}, []
    sample, fine_tune = access.sample, access.fine_tune

    def listen(model, prompts, **settings):
        answers = sample(model, prompts, **settings)
        for prompt, (answer,) in zip(prompts, answers, strict=True):
            said.setdefault(prompt, set()).add(answer)
        return answers

    def watch(model, examples, **settings):
        trained.extend(examples)
        fine_tune(model, examples, **settings)

    monkeypatch.setattr(access, "sample", listen)
    monkeypatch.setattr(access, "fine_tune", watch)
    run_defense(self_sft, {}, model, access)
    assert len(trained) > 400
    assert all(example.answer and example.answer in said[example.prompt] for example in trained)
    assert 0.9 * access.budget_tokens < access.spent.tokens <= access.budget_tokens
