"""The HTML pages of a folder of reports: which kinds there are, and where their links lead."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = "data_docs"  # Great Expectations' own pages, not in git


def all_pages(reports: Path) -> list[Path]:
    """Every page, in order of its path."""
    return sorted(path for path in reports.rglob("*.html") if NOT_OURS not in path.parts)


def one_of_each_kind(reports: Path) -> list[Path]:
    """Every page at the top, every index, and of the other pages of a folder the heaviest: it has most to go wrong."""
    kinds: dict[tuple[str, ...], Path] = {}
    for path in all_pages(reports):
        *folders, name = path.relative_to(reports).parts
        kind = (*folders[:1], str(len(folders)), name if not folders or name == "index.html" else "")
        if kind not in kinds or path.stat().st_size > kinds[kind].stat().st_size:
            kinds[kind] = path
    return list(kinds.values())


def first_page(reports: Path) -> Path:
    """The page that a reader opens first."""
    return reports / "index.html"


@dataclass
class Outline:
    """What links need to know of a page."""

    anchors: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    h2_without_id: int = 0


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.outline = Outline()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.outline.anchors += [name for name in {given.get("id"), given.get("name") if tag == "a" else None} if name]
        self.outline.links += [link for link in (given.get("href"), given.get("src")) if link is not None]
        self.outline.h2_without_id += tag == "h2" and not given.get("id")


def outline_of(page: Path) -> Outline:
    """Anchors and links of a page, in order."""
    reader = _Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    return reader.outline


def broken_links(pages: list[Path], reports: Path) -> list[str]:
    """Links that lead nowhere; one that leaves the reports leads into the project, wherever the reports were made."""
    outlines = {page: outline_of(page) for page in pages}
    return [
        f"{page.relative_to(reports)}: {link}"
        for page in pages
        for link in outlines[page].links
        if not _leads_somewhere(link, page, reports, outlines)
    ]


def _leads_somewhere(link: str, page: Path, reports: Path, outlines: dict[Path, Outline]) -> bool:
    parts = urlsplit(link)
    if parts.scheme in ("https", "mailto", "data"):
        return True
    if parts.scheme or parts.netloc or parts.path.startswith("/"):
        return False
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_relative_to(reports):
        within = target.relative_to(reports.parent) if target.is_relative_to(reports.parent) else None
        return within is not None and (ROOT / within).exists()
    anchor = unquote(parts.fragment)
    return target.is_file() and (not anchor or target not in outlines or anchor in outlines[target].anchors)
