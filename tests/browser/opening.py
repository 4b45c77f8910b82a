"""Pages opened from disk in headless Chromium, with the network blocked and every attempt to reach it counted."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Route

from tests.browser.chromium import environment_of, find_chromium

CHECKS = (Path(__file__).parent / "checks.js").read_text(encoding="utf-8")
WIDE, PHONE = 1400, 390
# A4 between the margins that browsers print with, upright and on its side, in CSS pixels.
PAPER, PAPER_ON_ITS_SIDE = 718, 1047
IS_LANDSCAPE = """
() => [...document.styleSheets].flatMap(sheet => [...sheet.cssRules])
  .some(rule => rule instanceof CSSPageRule && rule.cssText.includes("landscape"))
"""
LOCAL = ("file:", "data:", "blob:", "about:")
FOREIGN = re.compile(rf"^(?!{'|'.join(LOCAL)})")
PATIENCE = 300_000  # milliseconds; only a hang is an error, never a busy machine
# No name leads anywhere; and the processor draws, since without it the fetched Chromium fails to take some pictures.
ARGUMENTS = ("--host-resolver-rules=MAP * ~NOTFOUND", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")


@dataclass
class Opened:
    """An open page, the addresses beyond this machine that it asked for, and the files that it loaded."""

    page: Page
    foreign: list[str] = field(default_factory=list)
    files: set[Path] = field(default_factory=set)

    def find(self, check: str) -> list[str]:
        """What a check of checks.js finds."""
        return self.page.evaluate(f"{CHECKS}.{check}()")

    def unfold(self) -> None:
        """Open every <details>."""
        self.page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")

    def scroll_through(self) -> None:
        """Go to the end, so that what loads late loads."""
        self.page.evaluate("scrollTo({top: document.body.scrollHeight, behavior: 'instant'})")
        self.page.wait_for_load_state("networkidle")

    def print_out(self) -> None:
        """Lay the page out as on paper; scripts that wait for it hear of it."""
        on_its_side = self.page.evaluate(IS_LANDSCAPE)
        self.page.set_viewport_size({"width": PAPER_ON_ITS_SIDE if on_its_side else PAPER, "height": 1000})
        self.page.emulate_media(media="print")
        self.page.evaluate("dispatchEvent(new Event('beforeprint'))")

    def violations(self) -> list[str]:
        """What axe-core finds, folds opened: the rule, and where it is broken."""
        self.unfold()
        found = Axe().run(self.page).response["violations"]
        return [f"{rule['id']} ({rule['help']}): {_places(rule['nodes'])}" for rule in found]

    def seconds_to_load(self) -> float:
        """From the start of the navigation to the end of the load event."""
        return self.page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") / 1000

    def weight(self) -> int:
        """Bytes of the page and of all files that it loaded."""
        return sum(path.stat().st_size for path in self.files)


def _places(nodes: list[dict]) -> str:
    shown = [f"{' '.join(map(str, node['target']))} {_contrast(node)}".strip() for node in nodes[:4]]
    return "; ".join(shown) + (f"; and {len(nodes) - 4} more" if len(nodes) > 4 else "")


def _contrast(node: dict) -> str:
    data = next((check["data"] for check in node["any"] if check["id"] == "color-contrast"), None)
    return f"[{data['fgColor']} on {data['bgColor']}: {data['contrastRatio']}]" if data else ""


def launch(playwright: Playwright) -> Browser:
    """Chromium, running.

    Raises ChromiumMissing when there is none.
    """
    program = find_chromium()
    environment = environment_of(program)
    return playwright.chromium.launch(executable_path=program, env=environment, args=list(ARGUMENTS), timeout=PATIENCE)


def open_context(browser: Browser, width: int, *, dark: bool, javascript: bool) -> BrowserContext:
    """A window of that width that is offline."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        java_script_enabled=javascript,
        reduced_motion="reduce",
        offline=True,
    )
    context.set_default_timeout(PATIENCE)
    return context


def open_in(context: BrowserContext, path: Path) -> Opened:
    """The page, loaded."""
    opened = Opened(context.new_page())

    def refuse(route: Route) -> None:
        route.abort()

    def note(address: str) -> None:
        if FOREIGN.match(address):
            opened.foreign.append(address)
        elif address.startswith("file:"):
            opened.files.add(Path(unquote(urlsplit(address).path)))

    context.route(FOREIGN, refuse)
    opened.page.on("request", lambda request: note(request.url))
    opened.page.on("websocket", lambda socket: note(socket.url))
    opened.page.goto(path.resolve().as_uri())
    return opened
