import urllib.error
import urllib.request
from pathlib import Path

import pytest

from flows.pages import ADDRESS, address_of, served


@pytest.fixture
def project(tmp_path) -> Path:
    for name in ("reports/a page.html", "build/smoke/reports/sub/x.html", ".dvc/config.local", "reports-old/x.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"this is {name}")
    (tmp_path / "reports" / "elsewhere").symlink_to(tmp_path / ".dvc")
    return tmp_path


def fetch(address: str) -> str:
    with urllib.request.urlopen(address, timeout=30) as response:
        return response.read().decode()


def test_a_page_of_the_project_or_of_a_profile_is_fetched_by_its_address(project, monkeypatch):
    with served(project, 0) as environment:
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        for name in ("reports/a page.html", "build/smoke/reports/sub/x.html"):
            assert fetch(address_of(project / name)) == f"this is {name}"
        assert address_of(project.parent / "reports/leaderboard.html") == ""
    with pytest.raises(urllib.error.URLError):
        fetch(environment[ADDRESS])


@pytest.mark.parametrize(
    "path", ["", ".dvc/config.local", "reports/../.dvc/config.local", "reports/%2e%2e/.dvc/config.local",
             "reports/elsewhere/config.local", "reports-old/x.html", "reports/missing.html"]
)  # fmt: skip
def test_nothing_else_is_served(project, path):
    with served(project, 0) as environment, pytest.raises(urllib.error.HTTPError, match="404"):
        fetch(f"{environment[ADDRESS]}/{path}")


def test_where_nobody_serves_it_a_page_has_no_address(project, monkeypatch):
    monkeypatch.delenv(ADDRESS, raising=False)
    assert address_of(project / "reports/a page.html") == ""


def test_a_port_in_use_is_no_hindrance(project):
    with served(project, 0) as first:
        port = int(first[ADDRESS].rpartition(":")[2])
        with served(project, port) as second:
            assert second[ADDRESS] != first[ADDRESS]
            assert fetch(f"{second[ADDRESS]}/reports/a%20page.html") == "this is reports/a page.html"
