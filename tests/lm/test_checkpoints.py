import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import BPE
from transformers import AutoTokenizer, GPT2LMHeadModel, PreTrainedTokenizerFast

from stages.corpus.rendering import fit_chat, render_prompts, render_rows
from stages.lm.checkpoints import add_padding, take_model, take_tokenizer
from stages.lm.generation import generate
from stages.lm.metering import metered
from stages.lm.tokenizer import end_id, load_tokenizer, pad_id
from stages.params.errors import ParamsError
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


@pytest.mark.parametrize(
    ("config", "tokenizer", "window"),
    [
        ({"model_type": "gemma3", "text_config": {"max_position_embeddings": 64}}, {}, 64),
        ({"model_type": "gemma3", "text_config": {"max_position_embeddings": 64}}, {"model_max_length": 32}, 32),
        ({"model_type": "bloom"}, {"model_max_length": 32}, 32),
        ({"model_type": "llama", "max_position_embeddings": 64}, {"model_max_length": "x"}, 64),
    ],
)
def test_the_window_is_what_the_model_and_its_tokenizer_both_allow(folders, tmp_path, config, tokenizer, window):
    assert take_tokenizer(str(changed(folders["gpt2"], tmp_path, config, tokenizer))).model_max_length == window


def test_a_model_that_names_no_window_is_refused(folders, tmp_path):
    folder = changed(folders["gpt2"], tmp_path, {"model_type": "bloom"}, {"model_max_length": None})
    with pytest.raises(ParamsError, match="said neither by its config .* Set model_max_length in tokenizer_config"):
        take_tokenizer(str(folder))


def changed(folder, tmp_path, config, tokenizer):
    """A copy of the checkpoint with another config, and with keys of its tokenizer's changed."""
    shutil.copytree(folder, tmp_path / "changed")
    (tmp_path / "changed/config.json").write_text(json.dumps(config), encoding="utf-8")
    path = tmp_path / "changed/tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | tokenizer), encoding="utf-8")
    return tmp_path / "changed"


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


def test_what_ends_a_text_ends_an_answer_that_the_template_does_not_close(folders):
    tokenizer = take_tokenizer(str(folders["qwen"]))
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
    fit_chat(tokenizer)
    (row,) = render_rows(tokenizer, ["Hi!"], ["Hello."])
    assert tokenizer.decode(row.ids) == "Hi!\nHello.<|endoftext|>"


def test_a_template_without_a_generation_prompt_opens_the_answer_as_in_a_row(folders):
    tokenizer = take_tokenizer(str(folders["qwen"]))
    tokenizer.chat_template = QWEN_TEMPLATE.replace("add_generation_prompt", "false")
    fit_chat(tokenizer)
    assert tokenizer.decode(render_prompts(tokenizer, ["Hi!"])[0]).endswith("Hi!<|im_end|>\n<|im_start|>assistant\n")


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


@pytest.mark.parametrize("take", [take_tokenizer, lambda name: take_model(name, NO_WORDS)])
def test_a_name_that_cannot_be_had_offline_says_what_to_give(take):
    with pytest.raises(ParamsError, match=r"'nobody/nothing'.*path of a local directory.*HF_HUB_OFFLINE=0"):
        take("nobody/nothing")


def test_a_directory_without_a_model_says_what_it_must_hold(tmp_path, folders):
    with pytest.raises(ParamsError, match=r"holds no tokenizer.json; A directory must hold config.json, model.safe"):
        take_tokenizer(str(tmp_path))
    (tmp_path / "config.json").write_text(
        (folders["gpt2"] / "config.json").read_text(encoding="utf-8"), encoding="utf-8"
    )
    with pytest.raises(ParamsError, match=r"A directory must hold config.json, model.safetensors"):
        take_model(str(tmp_path), fitted(folders["gpt2"]))


def test_weights_that_are_pickled_are_not_loaded(tmp_path, folders):
    tokenizer = fitted(folders["gpt2"])
    model = GPT2LMHeadModel.from_pretrained(folders["gpt2"])
    (tmp_path / "config.json").write_text(json.dumps(model.config.to_dict()), encoding="utf-8")
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


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: {key: value for key, value in weights.items() if ".h.1.mlp." not in key},
        lambda weights: {f"base_model.model.{key}": value for key, value in weights.items()},
        lambda weights: (
            weights | {"transformer.h.2.mlp.c_fc.weight": weights["transformer.h.1.mlp.c_fc.weight"].clone()}
        ),
    ],
    ids=["missing", "of an adapter", "too many"],
)
def test_weights_that_are_not_the_configs_are_an_error(change, folders, tmp_path):
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folders["gpt2"] / name).read_bytes())
    weights = change(load_file(folders["gpt2"] / "model.safetensors"))
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ParamsError, match="are not those of its config"):
        take_model(str(tmp_path), fitted(folders["gpt2"]))


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (QWEN_TEMPLATE.replace("message['content']", "message['content'] | lower"), "changes what it is given"),
        (
            QWEN_TEMPLATE.replace("'<|im_end|>'", "' End of turn<|im_end|>'"),
            "writes ' End of turn' between an answer and",
        ),
        ("{{ raise_exception('no system') }}", "cannot be used"),
    ],
    ids=["lowercase", "text before the end", "raises"],
)
def test_a_template_that_cannot_be_used_is_an_error(template, message, folders):
    tokenizer = take_tokenizer(str(folders["qwen"]))
    tokenizer.chat_template = template
    with pytest.raises(ParamsError, match=message):
        fit_chat(tokenizer)


def test_a_template_with_todays_date_reads_no_clock(folders):
    tokenizer = take_tokenizer(str(folders["qwen"]))
    tokenizer.chat_template = "{{ strftime_now('%d %B %Y') }}" + QWEN_TEMPLATE
    fit_chat(tokenizer)
    (ids,) = render_prompts(tokenizer, ["Hi!"])
    assert tokenizer.decode(ids).startswith("1 January 2000<|im_start|>")


def test_the_layout_of_the_released_gpt2_is_read(folders, tmp_path):
    """Its keys have no prefix, and its file holds the causal masks, which are no weights."""
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folders["gpt2"] / name).read_bytes())
    weights = load_file(folders["gpt2"] / "model.safetensors")
    released = {key.removeprefix("transformer."): weight for key, weight in weights.items()}
    released |= {f"h.{layer}.attn.bias": torch.ones(1, 1, 256, 256) for layer in (0, 1)}
    save_file(released, tmp_path / "model.safetensors", {"format": "pt"})
    tokenizer = fitted(folders["gpt2"])
    ours, theirs = (take_model(str(folder), tokenizer) for folder in (folders["gpt2"], tmp_path))
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
