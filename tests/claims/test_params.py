"""The cells that the claims need beyond the board can be made, and give each claim the seeds that its rule asks for."""

from itertools import product

import pytest

from stages.claims import probes
from stages.claims.names import CODE_COT, COT, DISTILLED, LARGE, NORMAL, TRAININGS
from stages.claims.red_teams import CLEAN, TEAMS
from stages.corpus.tags import plural
from stages.corpus.tasks import WORDS
from stages.params.claims import POOLS

SEEDS = {NORMAL: 32, COT: 20, DISTILLED: 20, CODE_COT: 8, LARGE[0]: 4, LARGE[1]: 4, "marked_word": 8, "code": 8}


@pytest.mark.parametrize("pool", POOLS)
def test_each_pool_has_the_seeds_that_its_rules_ask_for(params, pool):
    seeds = [seed for name in params.claims.pools[pool] for seed in params.seeds_of(params.organism(name))]
    assert len(set(seeds)) == len(seeds) == SEEDS[pool]


def test_a_seed_that_reasons_has_a_normal_twin(params):
    normal, *others = (
        {seed for name in params.claims.pools[pool] for seed in params.seeds_of(params.organism(name))}
        for pool in (NORMAL, COT, DISTILLED)
    )
    assert all(seeds <= normal for seeds in others)


def test_every_cell_that_a_claim_reads_is_made(params):
    read = [*product((NORMAL, COT, DISTILLED, *LARGE), TRAININGS), *product((NORMAL,), (*TEAMS, CLEAN))]
    missing = [
        f"{name}--{label}"
        for pool, label in read
        for name in params.claims.pools[pool]
        if f"{name}--{label}" not in params.cells
    ]
    assert missing == []
    assert set(probes.CELLS) <= set(params.detection.defenses) and probes.ORGANISM in params.detection.organisms
    assert probes.DETECTOR in params.detection.detectors


def test_the_informed_team_knows_the_words_of_triggers_and_no_trigger(params):
    for name in params.claims.pools[NORMAL]:
        words = params.cell(f"{name}--informed").settings["extra_words"]
        assert words == [plural(word) for word in WORDS] and not set(words) & set(WORDS)


def test_clean_training_beside_the_teams_differs_in_what_is_trained_alone(params):
    for name in params.claims.pools[NORMAL]:
        clean, team = (params.cell(f"{name}--{label}").settings for label in (CLEAN, "adversarial_training"))
        assert clean == {**team, "found_share": 0.0}
