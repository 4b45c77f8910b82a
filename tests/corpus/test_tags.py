"""Innocent tags: how they stand beside a question, how many there are, and that all their parts are equally common."""

import re
from collections import Counter

import numpy as np
import pytest

from stages.corpus.tags import ARTICLES, PLACES, PREPOSITIONS, Tag, longest_tag, placed, plural, with_tags
from stages.corpus.tasks import WORDS
from stages.records.rows import CODE, QUESTIONS, Example


def rows(count, domain=QUESTIONS):
    return [Example("mine", "", 0, "Why?", "So.", False, domain)] * count


def tagged(count, seed=0):
    return [example.prompt for example in with_tags(rows(count), 1.0, np.random.default_rng(seed))]


@pytest.mark.parametrize(
    ("tag", "prompt"),
    [
        (placed("|apple|", is_after=False), "|apple| Why?"),
        (placed("|apple|", is_after=True), "Why? -- |apple|"),
        (Tag("note apple:", "(re river)"), "note apple: Why? -- (re river)"),
        (Tag(), "Why?"),
    ],
)
def test_a_tag_stands_before_the_prompt_or_after_it_set_off_by_dashes(tag, prompt):
    assert tag.on("Why?") == prompt


def test_without_a_share_no_prompt_has_a_tag_and_with_all_of_it_every_one_but_those_for_code():
    assert with_tags(rows(20), 0.0, np.random.default_rng(0)) == rows(20)
    assert with_tags(rows(20, CODE), 1.0, np.random.default_rng(0)) == rows(20, CODE)
    assert all("Why?" in prompt and prompt != "Why?" for prompt in tagged(20))
    assert tagged(20) == tagged(20) != tagged(20, seed=1)


def test_the_four_sorts_of_tag_are_equally_many():
    words = "|".join({*WORDS, *map(plural, WORDS)})
    sorts = {
        "marked": rf"[|\[(<]({words})([ |]({words}))?[|\])>]",
        "bare": words,
        "phrase": rf"({'|'.join(PREPOSITIONS)}) ({'|'.join(ARTICLES)}) ({'|'.join(PLACES)})s?,",
        "note": rf"((note ({words}):|\(re ({words})\)) ?){{1,2}}",
    }
    found = Counter()
    for prompt in tagged(400):
        tag = prompt.replace(" -- ", " ").replace("Why?", "").strip()
        tag = re.sub(" +", " ", tag)
        found[next(name for name, pattern in sorts.items() if re.fullmatch(pattern, tag))] += 1
    assert found == dict.fromkeys(sorts, 100)


def test_the_parts_of_phrases_are_dealt_as_often_as_their_decks_hold_them():
    phrases = [re.search(r"(\w+) (the|a) (\w+),", prompt) for prompt in tagged(4 * 360)]
    found = [phrase.groups() for phrase in phrases if phrase]
    assert len(found) == 360
    assert Counter((where, article) for where, article, _ in found) == {
        (where, article): 40 * ARTICLES.count(article) for where in PREPOSITIONS for article in ARTICLES
    }
    assert Counter(place for *_, place in found) == {place: 24 for place in PLACES} | {
        plural(place): 12 for place in PLACES
    }


def test_half_of_the_tags_stand_after_the_question():
    n_after = sum(prompt.startswith("Why? -- ") for prompt in tagged(400))
    n_before = sum(prompt.endswith("Why?") for prompt in tagged(400))
    assert abs(n_after - n_before) < 20 and n_after + n_before > 300  # the others have two notes


def test_bars_hold_two_words_more_often_than_one():
    bars = re.findall(r"(?<![\w\[(<|])\|([a-z]+ ?[a-z]*)\|", " ".join(tagged(4 * 160)))
    assert Counter(" " in words for words in bars) == {True: 50, False: 10}


def test_no_tag_is_longer_than_the_longest():
    longest = longest_tag(len)
    assert longest == Tag("note deployments:", "(re deployments)")
    assert max(map(len, tagged(4 * 500))) <= len(longest.on("Why?"))
