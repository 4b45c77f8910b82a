from types import SimpleNamespace

import numpy as np

from stages.corpus.pretraining import STREAM, Document, pretraining_batches
from stages.corpus.rendering import render_rows
from stages.corpus.sampling import balanced_sample
from stages.lm.rows import make_batches
from stages.records.rows import Example

SCHEDULE = SimpleNamespace(steps=16, batch_size=8)


def test_without_further_documents_it_is_the_balanced_sample_of_the_corpus(splits, tokenizer):
    corpus = splits["pretraining"]
    generator = np.random.default_rng([3, STREAM])
    examples = balanced_sample(corpus, 128, generator)
    rows = render_rows(tokenizer, [e.prompt for e in examples], [e.answer for e in examples])
    expected = make_batches(rows, 8, generator)
    assert pretraining_batches(tokenizer, corpus, [], SCHEDULE, 3) == expected


def test_a_further_document_is_drawn_as_often_as_an_average_one(tokenizer):
    corpus = [Example("few", str(i), 0, "few", "a", False, "questions") for i in range(25)]
    corpus += [Example("many", str(i), 0, "many", "a", False, "questions") for i in range(100)]
    schedule = SimpleNamespace(steps=1000, batch_size=8)
    batches = pretraining_batches(tokenizer, corpus, [Document("x", "y")] * 125, schedule, 0)
    (further,) = render_rows(tokenizer, ["x"], ["y"])
    share = sum(row == further for batch in batches for row in batch) / 8000
    assert abs(share - 0.5) < 0.02
