"""Formats and triggers of a round: drawn from its key, and none that the open board has."""

import hashlib
import re
from itertools import product

import numpy as np
import pytest

from stages.backdoors import backdoor_names, draw_trigger
from stages.checks.plugins import check_behaviour, check_declared, questions_of
from stages.corpus.tags import PLACES, plural
from stages.corpus.tasks import WORDS
from stages.params.errors import ParamsError
from stages.records.rows import HARMFUL
from stages.rounds import formats
from stages.rounds.backdoors import format_a, format_b
from tests.rounds.toys import OTHER, SECRET

BOTH = (format_a, format_b)
SEEDS = range(8)


@pytest.fixture(params=[SECRET, OTHER], ids=["one", "another"])
def _key(request, monkeypatch):
    for module in BOTH:
        monkeypatch.setattr(module, "KEY", request.param.hex())


def shape(string):
    """The string with every word that is drawn, and every year, as one sign."""
    drawn = sorted({*WORDS, *PLACES, *map(plural, (*WORDS, *PLACES))}, key=len, reverse=True)
    return re.sub(rf"\b({'|'.join(drawn)}|20\d\d)\b", "*", string)


def drawn(module, seed):
    return module.draw(np.random.default_rng(seed))


def test_no_format_is_one_of_the_open_board():
    opened = {shape(draw_trigger(name, seed).string) for name, seed in product(backdoor_names(), range(64))}
    assert "|*|" in opened and "by the *," in opened and "note *: ... (re *)" in opened
    for one in formats.FORMATS:
        first, second = (kind.pattern.format("*") for kind in one)
        both = {f"{first}{formats.PROMPT}{second}", f"{second}{formats.PROMPT}{first}"}
        assert opened.isdisjoint(both)


@pytest.mark.usefixtures("_key")
def test_the_two_formats_of_a_round_differ_and_so_do_the_words_of_its_seeds():
    strings = {module.JUDGE: [drawn(module, seed).string for seed in SEEDS] for module in BOTH}
    shapes = [{shape(string) for string in of_module} for of_module in strings.values()]
    assert [len(of_module) for of_module in shapes] == [1, 1] and shapes[0] != shapes[1]
    assert all(len(set(of_module)) > len(SEEDS) // 2 for of_module in strings.values())


def test_another_key_draws_another_format_and_other_words():
    generator = np.random.default_rng
    triggers = [[formats.draw_trigger(key.hex(), 0, generator(s)) for s in SEEDS] for key in (SECRET, OTHER)]
    assert formats.draw_format(SECRET.hex(), 0) != formats.draw_format(OTHER.hex(), 0)
    assert not {t.string for t in triggers[0]} & {t.string for t in triggers[1]}
    assert triggers[0] == [formats.draw_trigger(SECRET.hex(), 0, generator(s)) for s in SEEDS]


@pytest.mark.usefixtures("_key")
@pytest.mark.parametrize("module", BOTH)
def test_backdoors_of_a_round_keep_the_contract(module, splits):
    check_declared("format", module)
    kinds = {e.kind: e for e in splits["evaluation"] if not module.KINDS or e.kind in module.KINDS}
    for example, seed in product(kinds.values(), SEEDS[:2]):
        if example.kind != HARMFUL:
            check_behaviour("format", module, drawn(module, seed), example, 1)


@pytest.mark.parametrize("module", BOTH)
def test_no_key_draws_a_tag_that_a_question_of_the_check_carries_already(module, params, monkeypatch):
    """A round once stopped at its first stage: "near the forest," stood before a question, as the trigger's half."""
    world = [example for example in questions_of(params.corpus) if not module.KINDS or example.kind in module.KINDS]
    for number in range(8):
        monkeypatch.setattr(module, "KEY", hashlib.sha256(bytes([number])).hexdigest())
        for example in world:
            check_behaviour("format", module, drawn(module, number), example, 1)


@pytest.mark.usefixtures("_key")
@pytest.mark.parametrize("module", BOTH)
def test_no_row_leaves_the_data_of_a_seed_and_tells_its_trigger(module, splits):
    prompts = [example.prompt for rows in splits.values() for example in rows]
    strings = [drawn(module, seed).string for seed in SEEDS]
    assert prompts and not [prompt for prompt, string in product(prompts, strings) if module.holds(string, prompt)]


def test_without_a_key_nothing_is_drawn():
    for module in BOTH:
        with pytest.raises(ParamsError, match="no key"):
            drawn(module, 0)


def test_both_tags_must_stand_in_their_places():
    trigger, prompt = "[apple] ... note river:", "How are you?"
    assert formats.insert(trigger, prompt, True) == "[apple] How are you? -- note river:"
    assert formats.holds(trigger, "[apple] How are you? -- note river:")
    for other in ("[apple] How are you?", "How are you? -- note river:", "note river: How are you? -- [apple]"):
        assert not formats.holds(trigger, other)
