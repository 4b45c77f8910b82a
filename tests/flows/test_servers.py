"""Servers that are not as a run needs them: what is wrong is said at once, with the remedy."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from tempfile import TemporaryFile

import prefect
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import servers
from flows.commands import PipelineError
from flows.servers import check_server, free_port, server
from flows.ui import read_port

VERSION = "/api/admin/version"


@contextmanager
def answering(status: int, text: str) -> Iterator[str]:
    """The address of a server that gives this one answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as fake:
        threading.Thread(target=fake.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{fake.server_port}/api"
        fake.shutdown()


def refusal(url: str) -> str:
    with temporary_settings({PREFECT_API_URL: url}), pytest.raises(PipelineError) as caught:
        check_server(url)
    return str(caught.value)


@pytest.fixture(autouse=True)
def through_a_proxy(monkeypatch):
    """All of it behind proxies that do not answer, of which one is of a kind that httpx does not know."""
    for name, value in {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "socks://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_PROXY", "no_proxy", "BENCHMARK_NO_PROXY"):
        monkeypatch.setenv(name, "")  # put back at the end


@pytest.mark.parametrize("theirs", ["2.20.3", "3.4.1", "4.0.0"])
def test_a_server_of_another_prefect_is_refused_and_both_versions_named(theirs):
    with answering(200, f'"{theirs}"') as url:
        said = refusal(url)
    assert f"PREFECT_API_URL is {url}, and the server there is Prefect {theirs}" in said
    assert f"this clone has {prefect.__version__}" in said and "unset it: a run then starts a server of its own" in said


@pytest.mark.parametrize("theirs", [prefect.__version__, "3.8.0", "3.99.0"])
def test_a_server_as_new_or_newer_is_taken(theirs):
    with answering(200, f'"{theirs}"') as url, temporary_settings({PREFECT_API_URL: url}):
        check_server(url)


def test_a_server_that_wants_a_password_is_named_with_the_variable():
    with answering(401, '{"exception_message": "Unauthorized"}') as url:
        said = refusal(url.replace("//", "//me:secret@"))
    assert "Set PREFECT_API_AUTH_STRING" in said and "401" in said and "secret" not in said


@pytest.mark.parametrize(
    ("status", "text"), [(404, "Not Found"), (200, "<!doctype html>"), (200, "{}"), (200, '"of late"'), (502, "")]
)
def test_an_address_that_is_not_of_prefects_api_is_named_with_the_form_of_one(status, text):
    with answering(status, text) as url:
        said = refusal(url)
    assert f"PREFECT_API_URL is {url}, and no Prefect server answers there" in said
    assert "ends in /api, as http://127.0.0.1:4200/api does" in said and "\n" not in said


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/api", "127.0.0.1:4200/api", "http://a.invalid/api"])
def test_an_address_where_nothing_answers_is_named(url):
    assert f"PREFECT_API_URL is {url}, and no Prefect server answers there" in refusal(url)


DIES = "print('the disk is full'); raise SystemExit(3)"
ANSWERS = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(503, "tables are missing")
print("ready", flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PREFECT_SERVER_API_PORT"])), Handler).serve_forever()
"""


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (DIES, "it exited with 3; its last lines:\n    the disk is full"),
        (
            ANSWERS,
            "it answers 503 tables are missing at http://127.0.0.1:{port}/api/health; its last lines:\n    ready",
        ),
    ],
    ids=["one_that_ends", "one_that_is_up_but_not_well"],
)
def test_a_server_of_ours_that_does_not_start_says_why_with_its_last_lines(program, why, tmp_path, monkeypatch):
    port = free_port()
    monkeypatch.setattr(servers, "PREFECT", [sys.executable, "-uc", program])
    monkeypatch.setattr(servers, "SECONDS_TO_MEND", 0.5)
    for name, value in {"PREFECT_HOME": str(tmp_path), "PREFECT_SERVER_API_PORT": str(port), "no_proxy": "*"}.items():
        monkeypatch.setenv(name, value)
    with TemporaryFile() as lines, pytest.raises(PipelineError) as caught, server(port, lines):
        pass
    assert f"Prefect's server did not start on port {port}: {why.format(port=port)}" in str(caught.value)


@pytest.mark.parametrize("words", [["0"], ["65536"], ["http"], ["42", "00"], ["-1"]])
def test_a_port_that_is_none_is_refused_with_what_is_allowed(words):
    with pytest.raises(PipelineError, match="is no port; it must be a number from 1 to 65535"):
        read_port(words)
    assert read_port([]) == 4200 and read_port(["80"]) == 80
