"""What importing flows sets: a terminal that knows only ASCII, the locale of what we start."""

from tests.flows.toys import ROOT, run_module
from tests.flows.waiting import await_end


def test_a_terminal_that_knows_only_ascii_is_shown_an_escape_and_not_a_traceback():
    process = run_module(ROOT, "flows.profiles", "größer", PYTHONIOENCODING="ascii", LC_ALL="C")
    said = await_end(process)
    assert process.returncode == 1 and said.startswith("error: no profile 'gr\\xf6\\xdfer'"), said
