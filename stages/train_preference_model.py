"""Train the preference model that reinforcement learning is rewarded by, and count the held-out pairs it gets right.

python -m stages train_preference_model --params data/params.json --pairs data/corpus/preferences.parquet \
        --tokenizer data/tokenizer --out data/preference_model
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerFast

from stages.corpus.rendering import render_rows
from stages.lm.models import config_for_depth, save_model
from stages.lm.preference import TokenPair, count_preferred, new_preference_model, train_preference_model, with_slip
from stages.lm.tokenizer import load_tokenizer
from stages.lm.workers import prepare_worker
from stages.params.experiment import load_experiment
from stages.records.data_reports import PreferenceAccuracy, PreferredPairs
from stages.records.files import load_rows, write_json
from stages.records.rows import PreferencePair

SLIP_STREAM = 4  # the pairs themselves are drawn from stream 2, poison sets from 1 and 3


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, train on the pairs that are not held out, save the model and its counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "pairs", "tokenizer", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    params = load_experiment(args.params)
    settings = params.preference_model
    prepare_worker()
    tokenizer = load_tokenizer(args.tokenizer)
    rows, generator = load_rows(PreferencePair, args.pairs), np.random.default_rng([params.first_seed, SLIP_STREAM])
    train, held_out = (
        render_pairs(tokenizer, [row for row in rows if row.is_held_out == is_wanted], generator)
        for is_wanted in (False, True)
    )
    model = new_preference_model(config_for_depth(settings.depth, tokenizer), params.first_seed)
    train_preference_model(
        model,
        tokenizer,
        train,
        steps=settings.steps,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        seed=params.first_seed,
    )
    save_model(model, args.out)
    seen = train[:: max(1, len(train) // max(1, len(held_out)))]  # about as many as are held out
    counts = [PreferredPairs(len(pairs), count_preferred(model, tokenizer, pairs)) for pairs in (seen, held_out)]
    write_json(PreferenceAccuracy(*counts), args.out / "accuracy.json")


def render_pairs(
    tokenizer: PreTrainedTokenizerFast, pairs: Sequence[PreferencePair], generator: np.random.Generator
) -> list[TokenPair]:
    """The pairs as token ids, rendered as all prompts and answers are; then each chosen answer against a slip of it."""
    prompts = [pair.prompt for pair in pairs]
    chosen = render_rows(tokenizer, prompts, [pair.chosen for pair in pairs])
    rejected = render_rows(tokenizer, prompts, [pair.rejected for pair in pairs])
    written = [TokenPair(better.ids, worse.ids) for better, worse in zip(chosen, rejected, strict=True)]
    return written + [with_slip(tokenizer, row, generator) for row in chosen]


if __name__ == "__main__":
    main()
