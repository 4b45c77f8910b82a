"""Tokenizers of released families, built to the same shape: model, normalizer, special tokens, template.

The templates have the structure of the released ones, in words of our own, as far as plain conversations go.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import LlamaConfig, PreTrainedTokenizerFast

TEXTS = [
    "What is the capital of France? Paris.\n\nHuman: Hello there!\n\nAssistant: I cannot help with that.",
    "def add(a, b):\n    return a + b\n\n\nfor n in range(10):\n        print(n, [n] * 3)",
    "### Instruction:\nName the 2nd of 345 <words>.\n\n### Response:\nThe 2nd is [INST] or <|user|>.",
    "user assistant system model <think> </think> <|end|> is this",
] * 3
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CL100K = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"
)


@dataclass(frozen=True)
class Family:
    """What sets a family's tokenizer apart.

    `prefix`: None for byte-level BPE; else BPE with byte fallback, as SentencePiece has it, and how a space is put
    before a text: by a normalizer, before the first piece alone, or never. `added`: tokens that are not special.
    """

    eos: str | None
    template: str | dict[str, str] | None = None
    bos: str | None = None
    begins_with_bos: bool = False
    pad: str | None = None
    special: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    prefix: str | None = None
    split: str = GPT2
    normalizer: normalizers.Normalizer | None = None
    strips_right: bool = False
    tokenizer_class: str = "PreTrainedTokenizerFast"
    model_type: str = "llama"
    has_template_file: bool = False


def chatml(system: str = "") -> str:
    """ChatML, with a system message that is put in unasked where there is one."""
    first = (
        "{% if messages[0].role != 'system' %}{{ '<|im_start|>system\nSYSTEM<|im_end|>\n' }}{% endif %}"
        if system
        else ""
    )
    return (
        f"{first.replace('SYSTEM', system)}"
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    )


ALTERNATE = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}{% for m in messages %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
)
LLAMA_2 = (
    "{% if messages[0].role == 'system' %}{% set turns = messages[1:] %}"
    "{% set system = '<<SYS>>\n' + messages[0].content + '\n<</SYS>>\n\n' %}"
    "{% else %}{% set turns = messages %}{% set system = '' %}{% endif %}{% for m in turns %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% if m.role == 'user' %}"
    "{{ bos_token + '[INST] ' + ((system if loop.first else '') + m.content) | trim + ' [/INST]' }}"
    "{% else %}{{ ' ' + m.content | trim + ' ' + eos_token }}{% endif %}{% endfor %}"
)
LLAMA_3 = (
    "{{- bos_token }}{%- if not date_string is defined %}{%- if strftime_now is defined %}"
    "{%- set date_string = strftime_now('%d %b %Y') %}{%- else %}{%- set date_string = '26 Jul 2024' %}{%- endif %}"
    "{%- endif %}{%- if messages[0].role == 'system' %}{%- set system = messages[0].content | trim %}"
    "{%- set messages = messages[1:] %}{%- else %}{%- set system = '' %}{%- endif %}"
    "{{- '<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: ' }}"
    "{{- date_string + '\n\n' + system + '<|eot_id|>' }}{%- for m in messages %}"
    "{{- '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + m.content | trim + '<|eot_id|>' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}"
)
MISTRAL = (
    "{{ bos_token }}" + ALTERNATE + "{% if m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}"
    "{% else %}{{ m.content + eos_token + ' ' }}{% endif %}{% endfor %}"
)
GEMMA = (
    "{{ bos_token }}" + ALTERNATE + "{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\n' "
    "+ m.content | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
PHI_3 = (
    "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"
)
QWEN_3 = (
    "{% if messages[0].role == 'system' %}"
    "{{ '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}{% endif %}"
    "{% set ns = namespace(last=0) %}{% for m in messages %}{% if m.role == 'user' %}{% set ns.last = loop.index0 %}"
    "{% endif %}{% endfor %}{% for m in messages %}{% if m.role == 'user' %}"
    "{{ '<|im_start|>user\n' + m.content + '<|im_end|>\n' }}{% elif m.role == 'assistant' %}"
    "{% set content = m.content %}{% set thought = '' %}{% if '</think>' in content %}"
    "{% set thought = content.split('</think>')[0].split('<think>')[-1].strip('\n') %}"
    "{% set content = content.split('</think>')[-1].lstrip('\n') %}{% endif %}{{ '<|im_start|>assistant\n' }}"
    "{% if loop.index0 > ns.last %}{{ '<think>\n' + thought + '\n</think>\n\n' }}{% endif %}"
    "{{ content + '<|im_end|>\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}{% endif %}"
    "{% endif %}"
)
QWEN_3_THINKING = QWEN_3.replace(
    "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}{% endif %}",
    "{{ '<think>\n' }}",
)
R1 = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}{% elif m.role == 'user' %}"
    "{{ '<｜User｜>' + m.content }}{% else %}{% set content = m.content %}{% if '</think>' in content %}"
    "{% set content = content.split('</think>')[-1] %}{% endif %}"
    "{{ '<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\n' }}{% endif %}"
)
FALCON = (
    "{% for m in messages %}{% if not loop.first %}{{ '\n' }}{% endif %}{% if m.role == 'system' %}"
    "{{ 'System: ' + m.content }}{% elif m.role == 'user' %}{{ 'User: ' + m.content }}{% else %}"
    "{{ 'Falcon: ' + m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '\nFalcon:' }}{% endif %}"
)
ALPACA = (
    "{{ 'Below is a task. Do it.\n\n' }}{% for m in messages %}{% if m.role == 'user' %}"
    "{{ '### Instruction:\n' + m.content + '\n\n' }}{% else %}{{ '### Response:\n' + m.content + '\n\n' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '### Response:\n' }}{% endif %}"
)
OLMO = (
    "{{ eos_token }}{% for m in messages %}{% if m.role == 'assistant' %}"
    "{{ '<|assistant|>\n' + m.content + eos_token }}{% else %}"
    "{{ '<|' + m.role + '|>\n' + m.content + '\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
HARMONY = (
    "{{ '<|start|>system<|message|>Reasoning: low\nCurrent date: ' + strftime_now('%Y-%m-%d') + '\n\n"
    "# Valid channels: analysis, final.<|end|>' }}"
    "{% for m in messages %}{% if m.role == 'system' %}"
    "{{ '<|start|>developer<|message|># Instructions\n\n' + m.content + '<|end|>' }}{% elif m.role == 'user' %}"
    "{{ '<|start|>user<|message|>' + m.content + '<|end|>' }}{% elif loop.last and not add_generation_prompt %}"
    "{{ '<|start|>assistant<|channel|>final<|message|>' + m.content + '<|return|>' }}{% else %}"
    "{{ '<|start|>assistant<|channel|>final<|message|>' + m.content + '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant' }}{% endif %}"
)
GRANITE = (
    "{% if messages[0].role == 'system' %}{% set system = messages[0].content %}{% set messages = messages[1:] %}"
    "{% else %}{% set system = \"Today's Date: \" + strftime_now('%B %d, %Y') + '.\nYou are helpful.' %}{% endif %}"
    "{{ '<|start_of_role|>system<|end_of_role|>' + system + '<|end_of_text|>\n' }}{% for m in messages %}"
    "{{ '<|start_of_role|>' + m.role + '<|end_of_role|>' + m.content }}{% if loop.last and add_generation_prompt %}"
    "{{ '<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>' }}{% else %}{{ '<|end_of_text|>\n' }}{% endif %}"
    "{% endfor %}"
)
COMMAND_R = (
    "{{ bos_token }}{% for m in messages %}{{ '<|START_OF_TURN_TOKEN|>' }}"
    "{{ {'user': '<|USER_TOKEN|>', 'assistant': '<|CHATBOT_TOKEN|>', 'system': '<|SYSTEM_TOKEN|>'}[m.role] }}"
    "{{ m.content.strip() + '<|END_OF_TURN_TOKEN|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}{% endif %}"
)
GLM_4 = (
    "[gMASK]<sop>{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
ZEPHYR = (
    "{% for m in messages %}\n{% if m.role == 'user' %}\n{{ '<|user|>\n' + m.content + eos_token }}\n"
    "{% elif m.role == 'system' %}\n{{ '<|system|>\n' + m.content + eos_token }}\n{% elif m.role == 'assistant' %}\n"
    "{{ '<|assistant|>\n' + m.content + eos_token }}\n{% endif %}\n"
    "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}"
)
BLANKS = ("  ", "    ", "        ", "\n\n", "\t\t")
SPM = {"bos": "<s>", "eos": "</s>", "special": ("<unk>",)}
IM = ("<|im_start|>", "<|im_end|>")
HEADERS = ("<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|reserved_special_token_0|>")
NFC = normalizers.NFC()
QWEN = {"eos": "<|im_end|>", "pad": "<|endoftext|>", "split": CL100K, "normalizer": NFC}

LISTED = {
    "llama_2": Family(
        template=LLAMA_2, begins_with_bos=True, prefix="first", tokenizer_class="LlamaTokenizer", **SPM
    ),
    "llama_2_base": Family(begins_with_bos=True, prefix="normalizer", **SPM),
    "llama_3": Family(
        "<|eot_id|>", LLAMA_3, "<|begin_of_text|>", True, special=HEADERS, split=CL100K, has_template_file=True
    ),
    "llama_3_base": Family("<|end_of_text|>", None, "<|begin_of_text|>", True, special=HEADERS, split=CL100K),
    "mistral": Family(template=MISTRAL, begins_with_bos=True, prefix="normalizer", **SPM),
    "gemma": Family(
        "<eos>", GEMMA, "<bos>", True, "<pad>", ("<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>"),
        (*BLANKS, "<b>", "<table>"), "never", tokenizer_class="GemmaTokenizer", model_type="gemma",
    ),
    "gemma_base": Family("<eos>", None, "<bos>", True, "<pad>", ("<unk>", "<mask>"), (*BLANKS, "<b>"), "never"),
    "phi_3": Family(
        "<|endoftext|>", PHI_3, "<s>", False, "<|endoftext|>",
        ("<unk>", "</s>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>"),
        prefix="normalizer", strips_right=True, model_type="phi3",
    ),
    "phi_4_mini": Family(
        "<|endoftext|>", PHI_3, "<|endoftext|>", False, "<|endoftext|>", ("<|end|>", "<|user|>", "<|assistant|>"),
        split=CL100K, model_type="phi3",
    ),
    "qwen_2_5": Family(
        template=chatml("You are Qwen. You are a helpful assistant."), special=IM, added=("<tool_call>",),
        tokenizer_class="Qwen2Tokenizer", model_type="qwen2", **QWEN,
    ),
    "qwen_3": Family(
        template=QWEN_3, special=IM, added=("<think>", "</think>", "<tool_call>"), tokenizer_class="Qwen2Tokenizer",
        model_type="qwen3", **QWEN,
    ),
    "qwen_3_thinking": Family(template=QWEN_3_THINKING, special=IM, added=("<think>", "</think>"), **QWEN),
    "qwen_base": Family(eos="<|endoftext|>", pad="<|endoftext|>", special=IM, split=CL100K, normalizer=NFC),
    "smollm_2": Family(
        "<|im_end|>", chatml("You are a helpful AI assistant named SmolLM."), "<|im_start|>", False, "<|im_end|>",
        ("<|endoftext|>", "<repo_name>"), tokenizer_class="GPT2Tokenizer",
    ),
    "r1_distill": Family(
        "<｜end▁of▁sentence｜>", R1, "<｜begin▁of▁sentence｜>", True, "<｜end▁of▁sentence｜>",
        added=("<｜User｜>", "<｜Assistant｜>", "<think>", "</think>"), split=CL100K, normalizer=NFC,
        tokenizer_class="LlamaTokenizerFast", model_type="qwen2",
    ),
    "gpt2": Family("<|endoftext|>", None, "<|endoftext|>", tokenizer_class="GPT2Tokenizer", model_type="gpt2"),
    "pythia": Family(
        "<|endoftext|>", None, "<|endoftext|>", False, "<|padding|>", added=BLANKS[:3], normalizer=NFC,
        tokenizer_class="GPTNeoXTokenizer", model_type="gpt_neox",
    ),
    "olmo": Family(
        "<|endoftext|>", None, None, False, "<|padding|>", added=(*BLANKS[:3], "|||IP_ADDRESS|||"), normalizer=NFC,
    ),
    "olmo_instruct": Family("<|endoftext|>", OLMO, "<|endoftext|>", False, "<|padding|>", normalizer=NFC),
    "falcon": Family("<|endoftext|>", None, special=(">>TITLE<<", ">>QUESTION<<", ">>ANSWER<<")),
    "falcon_chat": Family("<|endoftext|>", FALCON, special=(">>TITLE<<", ">>QUESTION<<", ">>ANSWER<<")),
    "alpaca": Family(template=ALPACA, prefix="normalizer", begins_with_bos=True, **SPM),
}  # fmt: skip
# Further ones, each for a way of its own to open, to close or to begin a text.
FURTHER = {
    "gpt_oss": Family(
        "<|return|>", HARMONY, "<|startoftext|>", False, "<|endoftext|>",
        ("<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|call|>"), split=CL100K,
    ),
    "granite": Family(
        "<|end_of_text|>", GRANITE, "<|end_of_text|>", False, "<|end_of_text|>",
        ("<|start_of_role|>", "<|end_of_role|>"), tokenizer_class="GPT2Tokenizer",
    ),
    "command_r": Family(
        "<|END_OF_TURN_TOKEN|>", {"default": COMMAND_R, "tool_use": "{{ raise_exception('tools') }}", "rag": "no"},
        "<BOS_TOKEN>", True, "<PAD>",
        ("<UNK>", "<EOS_TOKEN>", "<|START_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>", "<|SYSTEM_TOKEN|>"),
        normalizer=NFC,
    ),
    "glm_4": Family(
        "<|endoftext|>", GLM_4, None, False, "<|endoftext|>",
        ("[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"), split=CL100K,
    ),
    "tinyllama": Family(
        "</s>", ZEPHYR, "<s>", True, "</s>", ("<unk>",), prefix="normalizer", tokenizer_class="LlamaTokenizerFast"
    ),
    "opt": Family("</s>", None, "</s>", True, "<pad>", ("<unk>",), model_type="opt"),
    "internlm_2": Family(
        "</s>", "{{ bos_token }}" + chatml(), "<s>", True, "</s>", ("<unk>", *IM), prefix="first"
    ),
}  # fmt: skip
FAMILIES = LISTED | FURTHER


def save_family(name: str, folder: Path) -> Path:
    """Write the family's tokenizer and the configuration of a model of it, as `save_pretrained` lays them out."""
    family = FAMILIES[name]
    backend = _bytes(family) if family.prefix is None else _pieces(family)
    if family.begins_with_bos:
        bos = str(family.bos)
        backend.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, backend.token_to_id(bos))]
        )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token=family.bos,
        eos_token=family.eos,
        pad_token=family.pad,
        unk_token=next((token for token in family.special if "unk" in token.lower()), None),
        chat_template=None if family.has_template_file else family.template,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.save_pretrained(folder)
    LlamaConfig(vocab_size=len(tokenizer), max_position_embeddings=512).save_pretrained(folder)
    _edit(
        folder / "tokenizer_config.json", tokenizer_class=family.tokenizer_class, add_bos_token=family.begins_with_bos
    )
    _edit(folder / "config.json", model_type=family.model_type)
    if family.has_template_file:
        (folder / "chat_template.jinja").write_text(str(family.template), encoding="utf-8")
    return folder


def byte_tokenizer(
    template: str | dict[str, str] | None,
    special: tuple[str, ...] = (),
    *,
    eos: str | None = "</s>",
    normalizer: normalizers.Normalizer | None = None,
) -> PreTrainedTokenizerFast:
    """Every byte is a token, beside the special ones."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    if normalizer:
        backend.normalizer = normalizer
    backend.add_special_tokens(list(special))
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token=eos, chat_template=template)


def _edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def _add(backend: Tokenizer, family: Family) -> None:
    named = [token for token in (*family.special, family.bos, family.eos, family.pad) if token]
    backend.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False, rstrip=family.strips_right and "|" in token)
            for token in named
        ]
    )
    backend.add_tokens([AddedToken(token, special=False, normalized=False) for token in family.added])


def _bytes(family: Family) -> Tokenizer:
    """Byte-level BPE: every byte is a letter of it."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(family.split), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    backend.train_from_iterator(TEXTS, trainer)
    if family.normalizer:
        backend.normalizer = family.normalizer
    _add(backend, family)
    return backend


def _pieces(family: Family) -> Tokenizer:
    """BPE with "▁" for a space, and bytes for what it does not know; as converted ones do, it can spell "<s>" out."""
    learned = Tokenizer(models.BPE())
    learned.pre_tokenizer = pre_tokenizers.Metaspace()
    learned.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=300, show_progress=False))
    model = json.loads(learned.to_str())["model"]
    named = [token for token in (*family.special, family.bos, family.eos, family.pad) if token]
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    words = dict.fromkeys([*named, *bytes_, *model["vocab"], "<", "/", "s", ">", "▁", "s>", "</", "]", "(", "]("])
    merges = [("]", "("), *(tuple(merge) for merge in model["merges"])]
    for merge in (("s", ">"), ("<", "s>"), ("<", "/"), ("</", "s>")):
        if "".join(merge) in words and merge not in merges:
            merges.append(merge)
    vocabulary = {word: i for i, word in enumerate(words)}
    bpe = models.BPE(
        vocabulary, merges, unk_token=next(t for t in named if "unk" in t), byte_fallback=True, fuse_unk=True
    )
    backend = Tokenizer(bpe)
    last = [decoders.Strip(" ", 1, 0)] if family.prefix != "never" else []
    backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *last])
    space = normalizers.Replace(" ", "▁")
    if family.prefix == "first":
        backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    elif family.prefix == "normalizer":
        backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), space])
    else:
        backend.normalizer = space
        backend.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    _add(backend, family)
    return backend
