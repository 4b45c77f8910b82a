"""The pages of reports/ over http, on this machine, while the interface is up.

Prefect's interface is an http page, from which a browser opens no file:// link. So flows/ui.py serves them, and tells
the flow runs where, in their environment; a run that was not started there shows the path of a page instead.
"""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

ADDRESS, FOLDER = "BENCHMARK_PAGES", "BENCHMARK_ROOT"


class Reports(SimpleHTTPRequestHandler):
    """Answers for what lies in the project's reports/, or in those of a profile, and for nothing else."""

    def send_head(self) -> Any:  # noqa: ANN401  # the library's own is not annotated
        """A file to send, or None once an error has been sent."""
        place = Path(self.translate_path(self.path)).resolve()
        if not re.match(r"(build/[^/]+/)?reports/", os.path.relpath(place, Path(self.directory).resolve())):
            self.send_error(404, "Only the pages of reports/ are served")
            return None
        return super().send_head()

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: ANN401
        """Nothing: the terminal is Prefect's."""


@contextmanager
def served(root: Path, port: int) -> Iterator[dict[str, str]]:
    """The environment that makes flow runs link to pages below `root`: served meanwhile, on `port` if it is free."""
    with _bind(port, partial(Reports, directory=str(root))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield {ADDRESS: f"http://127.0.0.1:{server.server_port}", FOLDER: str(root)}
        finally:
            server.shutdown()


def _bind(port: int, handler: Any) -> ThreadingHTTPServer:  # noqa: ANN401
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError:
        return ThreadingHTTPServer(("127.0.0.1", 0), handler)


def address_of(page: Path) -> str:
    """Where a browser finds the page; nothing where nobody serves it."""
    address, root = os.environ.get(ADDRESS), Path(os.environ.get(FOLDER, "/nowhere")).resolve()
    if not address or not page.resolve().is_relative_to(root):
        return ""
    return f"{address}/{quote(str(page.resolve().relative_to(root)))}"
