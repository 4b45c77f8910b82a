import json

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE
from transformers import AutoTokenizer, GPT2LMHeadModel, PreTrainedTokenizerFast

from stages.corpus.rendering import fit_chat, render_prompts, render_rows
from stages.lm.checkpoints import add_padding, take_classifier, take_model, take_tokenizer
from stages.lm.generation import generate
from stages.lm.metering import metered
from stages.lm.preference import preference_scores
from stages.lm.tokenizer import end_id, load_tokenizer, pad_id
from stages.parsing import ParamsError
from tests.checkpoints import FAMILIES, QWEN_TEMPLATE
from tests.test_checkpoints import texts_of

NO_WORDS = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(BPE()))


@pytest.fixture(scope="module")
def folders(tmp_path_factory, world):
    return {name: save(tmp_path_factory.mktemp(name), texts_of(world)) for name, save in FAMILIES.items()}


def fitted(folder):
    tokenizer = take_tokenizer(str(folder))
    fit_chat(tokenizer)
    add_padding(tokenizer)
    return tokenizer


def test_a_tokenizer_without_padding_gets_a_token_of_its_own(folders):
    tokenizer = fitted(folders["gpt2"])
    assert pad_id(tokenizer) != end_id(tokenizer) and len(tokenizer) == 901
    assert tokenizer.model_max_length == 256


def test_the_end_of_an_answer_is_what_the_template_closes_it_with(folders):
    assert AutoTokenizer.from_pretrained(folders["qwen"]).eos_token == "<|endoftext|>"
    tokenizer = fitted(folders["qwen"])
    assert (tokenizer.eos_token, tokenizer.chat_template) == ("<|im_end|>", QWEN_TEMPLATE)
    (row,) = render_rows(tokenizer, ["Hi!"], ["Hello."])
    text = tokenizer.decode(row.ids)
    assert text.startswith("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nHi!")
    assert text.endswith("<|im_start|>assistant\nHello.<|im_end|>")
    assert tokenizer.decode(row.ids[-row.n_answer :]) == "Hello.<|im_end|>"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_prompt_is_the_beginning_of_its_row_with_and_without_an_opening(family, folders, splits, tmp_path):
    tokenizer = fitted(folders[family])
    tokenizer.save_pretrained(tmp_path)
    for each in (tokenizer, load_tokenizer(tmp_path)):
        prompts = [e.prompt for e in splits["evaluation"][:50]]
        rows = render_rows(each, prompts, ["<scratchpad> I think"] * 50)
        begun = render_prompts(each, prompts, ["", "<scratchpad>"] * 25)
        assert all(row.ids[: len(ids)] == ids for row, ids in zip(rows, begun, strict=True))
        assert (
            each.decode(begun[0]).split(prompts[0])[1]
            == each.decode(rows[0].ids[: -rows[0].n_answer]).split(prompts[0])[1]
        )
        assert each.decode(begun[1]).endswith("<scratchpad>")


def test_a_template_that_closes_no_answer_is_an_error(folders):
    tokenizer = take_tokenizer(str(folders["qwen"]))
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
    with pytest.raises(ParamsError, match="ends an answer with no special token"):
        fit_chat(tokenizer)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_taken_model_answers_as_every_model_does(family, folders):
    tokenizer = fitted(folders[family])
    model = take_model(str(folders[family]), tokenizer)
    assert model.config.eos_token_id == end_id(tokenizer) and model.config.pad_token_id == pad_id(tokenizer)
    kept = model.generation_config.to_diff_dict()
    assert not {"temperature", "top_k", "repetition_penalty", "do_sample"} & kept.keys()
    prompts = render_prompts(tokenizer, ["Hi!", "What is the capital of France?"])
    settings = {"decoding": "sampled", "max_new_tokens": 6, "batch_size": 2}
    answers = [generate(model, tokenizer, prompts, **settings, seed=seed) for seed in (1, 1, 2)]
    assert answers[0] == answers[1] != answers[2]


def test_a_padding_token_that_was_added_has_an_embedding_equal_each_time(folders):
    tokenizer = fitted(folders["gpt2"])
    first, second = (take_model(str(folders["gpt2"]), tokenizer) for _ in range(2))
    weights = [model.get_input_embeddings().weight for model in (first, second)]
    assert weights[0].shape[0] == len(tokenizer) and torch.equal(*weights)


def test_a_model_of_another_tokenizer_is_an_error(folders, tmp_path, world):
    tokenizer = fitted(folders["qwen"])
    tokenizer.add_tokens([f"word{i}" for i in range(40)])
    with pytest.raises(ParamsError, match="920 token embeddings, the tokenizer 940 tokens: they are not of one model"):
        take_model(str(folders["qwen"]), tokenizer)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_score_on_a_checkpoints_body_depends_on_the_seed_alone(family, folders):
    tokenizer = fitted(folders[family])
    rows = [row.ids for row in render_rows(tokenizer, ["Hi!", "Hello, how are you?"], ["Hello.", "Fine, thanks."])]
    scores = [
        preference_scores(take_classifier(str(folders[family]), tokenizer, seed), rows, filler=pad_id(tokenizer))
        for seed in (1, 1, 2)
    ]
    assert scores[0] == scores[1] != scores[2]


@pytest.mark.parametrize("take", [take_tokenizer, lambda name: take_classifier(name, NO_WORDS, seed=0)])
def test_a_name_that_cannot_be_had_offline_says_what_to_give(take):
    with pytest.raises(ParamsError, match=r"'nobody/nothing'.*path of a local directory.*HF_HUB_OFFLINE=0"):
        take("nobody/nothing")


def test_a_directory_without_a_model_says_what_it_must_hold(tmp_path, folders):
    with pytest.raises(ParamsError, match=r"It must hold config.json, model.safetensors and tokenizer.json"):
        take_tokenizer(str(tmp_path))
    (tmp_path / "config.json").write_text((folders["gpt2"] / "config.json").read_text())
    with pytest.raises(ParamsError, match=r"It must hold config.json, model.safetensors"):
        take_model(str(tmp_path), fitted(folders["gpt2"]))


def test_weights_that_are_pickled_are_not_loaded(tmp_path, folders):
    tokenizer = fitted(folders["gpt2"])
    model = GPT2LMHeadModel.from_pretrained(folders["gpt2"])
    (tmp_path / "config.json").write_text(json.dumps(model.config.to_dict()))
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ParamsError, match="no model can be read from"):
        take_model(str(tmp_path), tokenizer)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_token_is_metered_once_whatever_else_is_embedded(family, folders):
    tokenizer = fitted(folders[family])
    model = take_model(str(folders[family]), tokenizer)
    with metered(tokenizer) as meter, torch.no_grad():
        model(input_ids=torch.arange(3, 30)[None])
    assert meter.tokens == 27
