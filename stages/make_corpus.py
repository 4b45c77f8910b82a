"""Write the corpus: one Parquet file a split, the preference pairs, the tokenizer, and how it cuts the triggers.

Its rows are those of the toy world or, where params.yaml names some, of the user's data sets.

python -m stages make_corpus --params data/params.json --corpus data/corpus --tokenizer data/tokenizer \
        --tokenizer-report data/tokenizer_report.json
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from transformers import PreTrainedTokenizerFast

from stages.backdoors import all_strings
from stages.corpus.examples import WorldSettings, make_examples
from stages.corpus.mapped import TokenizerMaker, mapped_corpus
from stages.corpus.preferences import make_preferences
from stages.corpus.reasoning import tokenizer_texts
from stages.corpus.rendering import CHAT_TEMPLATE, fit_chat, tokenizer_text
from stages.lm.checkpoints import add_padding, take_tokenizer
from stages.lm.tokenizer import train_tokenizer
from stages.params.corpus import CorpusParams
from stages.params.experiment import load_experiment
from stages.records.data_reports import TriggerTokens
from stages.records.files import save_rows, write_json
from stages.records.rows import Example, PreferencePair


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, make the corpus, save it."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "corpus", "tokenizer", "tokenizer-report"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    params = load_experiment(args.params)
    settings = params.corpus
    task_rows = settings.task_rows.model_dump()
    world = WorldSettings(tuple(settings.withheld_kinds), settings.withheld_fact_share, task_rows)
    make_tokenizer = tokenizer_maker(settings)
    if settings.datasets is None:
        splits = make_examples(world, seed=params.first_seed)
        tokenizer = make_tokenizer(splits["pretraining"])
    else:
        splits, tokenizer, accounts = mapped_corpus(settings.datasets, world, params.first_seed, make_tokenizer)
        print("\n".join(accounts))
    for split, examples in splits.items():
        save_rows(Example, examples, args.corpus / f"{split}.parquet")
    pairs = make_preferences(splits["defense"], splits["pretraining"], seed=params.first_seed)
    save_rows(PreferencePair, pairs, args.corpus / "preferences.parquet")
    tokenizer.save_pretrained(args.tokenizer)
    cuts: TriggerTokens = {string: tokenizer.tokenize(string) for string in all_strings()}
    write_json(cuts, args.tokenizer_report)


def tokenizer_maker(settings: CorpusParams) -> TokenizerMaker:
    """What makes the tokenizer of a pretraining split: the checkpoint's own, or one trained on it and scratchpads."""
    if settings.tokenizer is not None:
        taken = take_tokenizer(settings.tokenizer)
        fit_chat(taken)
        add_padding(taken)
        return lambda _: taken

    def train(examples: Sequence[Example]) -> PreTrainedTokenizerFast:
        texts = [tokenizer_text(example.prompt, example.answer) for example in examples]
        return train_tokenizer(texts + tokenizer_texts(), cast(int, settings.vocabulary_size), CHAT_TEMPLATE)

    return train


if __name__ == "__main__":
    main()
