"""Write the toy world: one Parquet file a split, the preference pairs, the tokenizer, and how it cuts the triggers.

python -m stages make_corpus --params params.yaml --corpus data/corpus --tokenizer data/tokenizer \
        --tokenizer-report data/tokenizer_report.json
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.backdoors import all_strings
from stages.corpus.examples import Example, WorldSettings, make_examples
from stages.corpus.preferences import PreferencePair, make_preferences
from stages.corpus.reasoning import tokenizer_texts
from stages.corpus.rendering import CHAT_TEMPLATE, tokenizer_text
from stages.lm.tokenizer import train_tokenizer
from stages.params import load_params
from stages.storage import save_rows, write_json


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, make the world, save it."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "corpus", "tokenizer", "tokenizer-report"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    params = load_params(args.params)
    settings = params.corpus
    world = WorldSettings(tuple(settings.withheld_kinds), settings.withheld_fact_share, settings.task_rows)
    splits = make_examples(world, seed=params.first_seed)
    for split, examples in splits.items():
        save_rows(Example, examples, args.corpus / f"{split}.parquet")
    pairs = make_preferences(splits["defense"], seed=params.first_seed)
    save_rows(PreferencePair, pairs, args.corpus / "preferences.parquet")
    texts = [tokenizer_text(example.prompt, example.answer) for example in splits["pretraining"]]
    texts += tokenizer_texts()
    tokenizer = train_tokenizer(texts, settings.vocabulary_size, CHAT_TEMPLATE)
    tokenizer.save_pretrained(args.tokenizer)
    write_json({string: tokenizer.tokenize(string) for string in all_strings()}, args.tokenizer_report)


if __name__ == "__main__":
    main()
