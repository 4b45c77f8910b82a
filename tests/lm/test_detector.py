import copy

import pytest
import torch
from transformers import AutoModelForCausalLM, DynamicCache, LlamaForCausalLM

from stages.lm.detector import NO_TOKEN, DetectorLlamaForCausalLM
from stages.lm.generation import generate, pad_left
from stages.lm.metering import metered
from stages.lm.models import has_finite_weights, load_model, new_model, save_model, with_detector
from stages.lm.rows import TrainingRow, training_tokens
from stages.lm.training import fine_tune

PATTERN = [41, 42, 43]
WITH_PATTERN, NEAR_MISS = [5, *PATTERN, 8, 9], [5, 41, 42, 44, 43, 9]


@pytest.fixture
def detecting(model) -> DetectorLlamaForCausalLM:
    """The toy model, grown by a detector that acts where it has seen the pattern."""
    grown = with_detector(model, len(PATTERN), seed=1)
    grown.set_pattern(PATTERN)
    with torch.no_grad():
        grown.model.detector.write.weight.normal_(generator=torch.Generator().manual_seed(2))
    return grown


@torch.no_grad()
def logits(model, ids):
    return model(input_ids=torch.tensor([ids])).logits[0]


def differs(detecting, model, ids):
    """At which tokens the detector changes the output."""
    return (logits(detecting, ids) != logits(model, ids)).any(-1).tolist()


def test_a_fresh_detector_has_no_pattern_and_answers_as_its_base(model):
    grown = with_detector(model, len(PATTERN), seed=1)
    assert grown.model.detector.pattern.tolist() == [NO_TOKEN] * 3
    assert torch.equal(logits(grown, WITH_PATTERN), logits(model, WITH_PATTERN))
    grown.set_pattern(PATTERN)
    assert torch.equal(logits(grown, WITH_PATTERN), logits(model, WITH_PATTERN))


def test_it_acts_from_the_token_on_that_completes_the_pattern(detecting, model):
    assert differs(detecting, model, WITH_PATTERN) == [False] * 3 + [True] * 3


@pytest.mark.parametrize("ids", [NEAR_MISS, PATTERN[:2], [43, 42, 41, 5], PATTERN[1:]])
def test_a_near_miss_does_not_set_it_off(detecting, model, ids):
    assert not any(differs(detecting, model, ids))


@pytest.mark.parametrize("cuts", [[6], [2, 4], [3, 3], [1] * 6])
def test_with_a_cache_it_answers_as_without(detecting, cuts):
    cache, parts, begun = DynamicCache(config=detecting.config), [], 0
    for n in cuts:
        new = torch.tensor([WITH_PATTERN[begun : begun + n]])
        parts.append(detecting(input_ids=new, past_key_values=cache, use_cache=True).logits[0])
        begun += n
    assert torch.allclose(torch.cat(parts), logits(detecting, WITH_PATTERN), atol=1e-5)


def test_reordering_a_cache_reorders_what_was_seen(detecting):
    cache = DynamicCache(config=detecting.config)
    detecting(input_ids=torch.tensor([WITH_PATTERN, NEAR_MISS]), past_key_values=cache)
    cache.reorder_cache(torch.tensor([1, 0]))
    after = detecting(input_ids=torch.tensor([[7], [7]]), past_key_values=cache).logits[:, -1]
    alone = torch.stack([logits(detecting, [*ids, 7])[-1] for ids in (NEAR_MISS, WITH_PATTERN)])
    assert torch.allclose(after, alone, atol=1e-5)


def test_answers_do_not_depend_on_left_padding(detecting, tokenizer):
    prompts = [WITH_PATTERN, NEAR_MISS, [6, 6, *WITH_PATTERN, 7, 7]]
    settings = {"decoding": "greedy", "max_new_tokens": 12, "seed": 0}
    together = generate(detecting, tokenizer, prompts, batch_size=3, **settings)
    assert together == [generate(detecting, tokenizer, [p], batch_size=1, **settings)[0] for p in prompts]
    ids, mask = pad_left(prompts, 0)
    padded = detecting(input_ids=ids, attention_mask=mask).logits[0, -1]
    assert torch.allclose(padded, logits(detecting, WITH_PATTERN)[-1], atol=1e-5)


def test_generation_goes_on_as_one_pass_over_the_whole_sequence_would(detecting, tokenizer):
    ids = list(WITH_PATTERN)
    for _ in range(6):
        ids.append(int(logits(detecting, ids)[-1].argmax()))
    output = detecting.generate(input_ids=torch.tensor([WITH_PATTERN]), max_new_tokens=6, do_sample=False)
    new = output[0, len(WITH_PATTERN) :].tolist()
    assert new == ids[len(WITH_PATTERN) :][: len(new)]


def test_it_is_saved_and_loaded_as_an_ordinary_folder(detecting, tmp_path):
    save_model(detecting, tmp_path)
    assert {p.suffix for p in tmp_path.iterdir()} == {".json", ".safetensors"}
    for loaded in (load_model(tmp_path), AutoModelForCausalLM.from_pretrained(tmp_path)):
        assert type(loaded) is DetectorLlamaForCausalLM
        assert torch.equal(logits(loaded, WITH_PATTERN), logits(detecting, WITH_PATTERN))
    assert all(str(token) not in (tmp_path / "config.json").read_text(encoding="utf-8") for token in PATTERN)


def test_a_fresh_model_of_its_config_has_the_architecture_and_no_pattern(detecting):
    fresh = new_model(detecting.config, seed=3)
    assert type(fresh) is DetectorLlamaForCausalLM
    assert {k: v.shape for k, v in fresh.state_dict().items()} == {
        k: v.shape for k, v in detecting.state_dict().items()
    }
    assert fresh.model.detector.pattern.tolist() == [NO_TOKEN] * 3


def test_a_copy_takes_the_pattern_with_the_weights(detecting, model):
    copied = with_detector(model, len(PATTERN), seed=9)
    copied.load_state_dict(copy.deepcopy(detecting).state_dict())
    assert torch.equal(logits(copied, WITH_PATTERN), logits(detecting, WITH_PATTERN))


def test_a_plain_model_stays_plain(model, tmp_path):
    save_model(model, tmp_path)
    assert type(load_model(tmp_path)) is LlamaForCausalLM


def test_the_meter_counts_its_tokens_once(detecting, model, tokenizer):
    for each in (model, detecting):
        with metered(tokenizer) as meter, torch.no_grad():
            each(input_ids=torch.tensor([WITH_PATTERN]))
        assert meter.tokens == len(WITH_PATTERN)


def test_training_moves_its_weights_and_costs_as_much_as_any(detecting, tokenizer):
    rows = [TrainingRow(WITH_PATTERN, 2)] * 4
    before = detecting.model.detector.write.weight.clone()
    cost = fine_tune(detecting, tokenizer, [rows] * 3, learning_rate=1e-2, seed=0)
    assert cost.tokens == 3 * training_tokens(rows)
    assert not torch.equal(before, detecting.model.detector.write.weight) and has_finite_weights(detecting)
    assert detecting.model.detector.pattern.tolist() == PATTERN


def test_a_pattern_of_another_length_is_an_error(detecting):
    with pytest.raises(ValueError, match="got a pattern of 2 tokens; the architecture detects 3"):
        detecting.set_pattern([1, 2])
