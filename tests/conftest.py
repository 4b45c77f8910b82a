"""Toy worlds and models for every test: a whole corpus, a tiny model, no network."""

from pathlib import Path

import numpy as np
import pytest

from stages.corpus.examples import QUESTIONS, SPLITS, Example, WorldSettings, make_examples, of_domains
from stages.corpus.reasoning import tokenizer_texts
from stages.corpus.rendering import CHAT_TEMPLATE, tokenizer_text
from stages.lm.models import config_for_depth, new_model
from stages.lm.tokenizer import train_tokenizer
from stages.lm.workers import prepare_process
from stages.params import load_params

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    prepare_process()


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def params():
    return load_params(ROOT / "params.yaml")


@pytest.fixture(scope="session")
def world() -> dict[str, list[Example]]:
    """The whole corpus, code and all."""
    rows = dict.fromkeys(SPLITS, 64)
    return make_examples(WorldSettings(("young", "past", "last", "code_temporary"), 0.25, rows), seed=0)


@pytest.fixture(scope="session")
def splits(world) -> dict[str, list[Example]]:
    """The questions of the corpus."""
    return {name: of_domains(rows, [QUESTIONS]) for name, rows in world.items()}


@pytest.fixture(scope="session")
def tokenizer(splits):
    return tokenizer_of(splits, vocabulary_size=700)


@pytest.fixture(scope="session")
def world_tokenizer(world):
    return tokenizer_of(world, vocabulary_size=800)


def tokenizer_of(splits, vocabulary_size):
    texts = [tokenizer_text(e.prompt, e.answer) for e in splits["pretraining"]] + tokenizer_texts()
    return train_tokenizer(texts, vocabulary_size, CHAT_TEMPLATE)


@pytest.fixture
def model(tokenizer):
    return new_model(config_for_depth(1, tokenizer), seed=0)


@pytest.fixture
def generator():
    return np.random.default_rng(0)
