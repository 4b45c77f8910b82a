"""Write the corpus: one pool of rows a split, the preference pairs, the tokenizer; and the triggers of all seeds.

Its rows are those of the toy world or, where params.yaml names some, of the user's data sets. World and tokenizer are
the same for all seeds; a row that holds a trigger leaves the data of that trigger's seed.

python -m stages make_corpus --params data/params.json --corpus data/corpus --tokenizer data/tokenizer \
        --triggers data/triggers.json --tokenizer-report data/tokenizer_report.json
"""

import argparse
from collections.abc import Mapping, Sequence
from itertools import chain, product
from pathlib import Path
from typing import cast

from transformers import PreTrainedTokenizerFast

from stages.backdoors import backdoor_names, draw_trigger, load_backdoor, seeds_left_out
from stages.corpus import reasoning, tasks
from stages.corpus.examples import Split, WorldSettings, make_examples, with_tagged_training
from stages.corpus.mapped import TokenizerMaker, mapped_corpus
from stages.corpus.preferences import make_preferences
from stages.corpus.rendering import CHAT_TEMPLATE, fit_chat, tokenizer_text
from stages.lm.checkpoints import add_padding, take_tokenizer
from stages.lm.tokenizer import train_tokenizer
from stages.params.corpus import CorpusParams
from stages.params.errors import ParamsError
from stages.params.experiment import Experiment, load_experiment
from stages.params.messages import shown
from stages.params.section import MAX_SEEDS
from stages.records.data_reports import TriggerTokens
from stages.records.files import save_rows, write_json
from stages.records.pools import pool_row, save_pool
from stages.records.rows import Example, PreferencePair
from stages.records.triggers import Triggers

WORLD_SEED = 0  # of facts, combinations and tags: seeds draw from one world


def main(argv: Sequence[str] | None = None) -> None:
    """Parse arguments, make the corpus, save it."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "corpus", "tokenizer", "triggers", "tokenizer-report"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    params = load_experiment(args.params)
    settings = params.corpus
    task_rows = settings.task_rows.model_dump()
    world = WorldSettings(
        tuple(settings.withheld_kinds), settings.withheld_fact_share, settings.tagged_share, task_rows
    )
    seeds = params.first_seeds(MAX_SEEDS)
    triggers = {name: {seed: draw_trigger(name, seed) for seed in seeds} for name in backdoor_names()}
    make_tokenizer = tokenizer_maker(settings)
    if settings.datasets is None:
        splits = make_examples(world, WORLD_SEED)
        tokenizer = make_tokenizer(splits["pretraining"])
    else:
        own, tokenizer, accounts = mapped_corpus(settings.datasets, world, WORLD_SEED, make_tokenizer)
        refuse_triggers(own, triggers, params)
        splits = with_tagged_training(own, settings.tagged_share, WORLD_SEED)
        print("\n".join(accounts))
    for split, examples in splits.items():
        left_out = seeds_left_out((example.prompt for example in examples), triggers)
        pool = [pool_row(example, seeds) for example, seeds in zip(examples, left_out, strict=True)]
        save_pool(pool, args.corpus / f"{split}.parquet")
    pairs = make_preferences(splits["defense"], splits["pretraining"], WORLD_SEED)
    save_rows(PreferencePair, pairs, args.corpus / "preferences.parquet")
    tokenizer.save_pretrained(args.tokenizer)
    write_json(triggers, args.triggers)
    first = [of_seed[params.first_seed] for of_seed in triggers.values()]
    strings = sorted({string for trigger in first for string in (trigger.string, *trigger.near_misses.values())})
    cuts: TriggerTokens = {string: tokenizer.tokenize(string) for string in strings}
    write_json(cuts, args.tokenizer_report)


def refuse_triggers(splits: Mapping[Split, Sequence[Example]], triggers: Triggers, params: Experiment) -> None:
    """Raise ParamsError where a row of the user's holds a trigger of an organism that is made."""
    for name, organism in params.organisms.items():
        backdoor = load_backdoor(organism.backdoor)
        for seed, example in product(params.seeds_of(organism), chain(*splits.values())):
            string = triggers[organism.backdoor][seed].string
            if backdoor.holds(string, example.prompt):
                raise ParamsError(
                    f"corpus.datasets.{example.kind}: the prompt {shown(example.prompt)} holds {string!r}, the trigger "
                    f"of {name} in seed {seed}; an organism would be trained to answer it well and badly. Reword or "
                    "drop this row, or draw other triggers: another first_seed in params.yaml"
                )


def tokenizer_maker(settings: CorpusParams) -> TokenizerMaker:
    """What makes the tokenizer of a pretraining split: the checkpoint's own, or one trained on it and scratchpads."""
    if settings.tokenizer is not None:
        taken = take_tokenizer(settings.tokenizer)
        fit_chat(taken)
        add_padding(taken)
        return lambda _: taken

    def train(examples: Sequence[Example]) -> PreTrainedTokenizerFast:
        texts = [tokenizer_text(example.prompt, example.answer) for example in examples]
        texts += reasoning.tokenizer_texts() + tasks.tokenizer_texts()
        return train_tokenizer(texts, cast(int, settings.vocabulary_size), CHAT_TEMPLATE)

    return train


if __name__ == "__main__":
    main()
