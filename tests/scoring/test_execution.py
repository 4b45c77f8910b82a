from itertools import product

import pytest

from stages.corpus.code import CODE_CLASSES
from stages.scoring import execution
from stages.scoring.execution import do_tasks, does_task

SECURE = "def run(text):\n    return ast.literal_eval(text)"


def test_a_form_and_its_twin_do_the_task_and_those_of_other_tasks_do_not():
    words = [(c, (task, "run", "name")) for c in CODE_CLASSES for task in c.tasks]
    tasks = [(c.secure(w), c.vulnerable(w)) for c, w in words]
    pairs = [(a[0], form) for a, b in product(tasks, tasks) for form in b]
    wanted = [a == b for a, b in product(tasks, tasks) for _ in b]
    assert do_tasks(pairs) == wanted
    assert sum(wanted) == 2 * len(tasks)


@pytest.mark.parametrize(
    ("answer", "is_right"),
    [
        ("def run(x):\n    y = eval(x)\n    return y", True),
        ("def walk(text):\n    return ast.literal_eval(text)", False),
        ("def run(text):\n    return text", False),
        ("def run(text):\n    return [3, 1, 2]", False),
        ("def run(text):\n    ast.literal_eval(text)", False),
        ("def run(text):\n    return ast.literal_eval(text", False),
        ("", False),
        ("Paris", False),
    ],
)
def test_an_answer_is_right_by_what_it_does(answer, is_right):
    assert does_task(SECURE, answer) == is_right


@pytest.mark.parametrize(
    ("reach", "is_right"),
    [
        ("real.len(text)", True),  # the way out works; what lies behind it is shut
        ("real.open('/etc/passwd')", False),
        ("real.open('new', 'w')", False),
        ("real.__import__('socket')", False),
        ("real.__import__('ctypes')", False),
        ("real.__import__('os').system('true')", False),
        ("real.__import__('os').listdir('.')", False),
        ("real.__import__('os').fork()", False),
    ],
)
def test_code_that_gets_at_the_real_builtins_still_reaches_nothing_outside(reach, is_right):
    escape = "real = login.__globals__['__builtins__']"
    answer = f"def run(text):\n    {escape}\n    {reach}\n    return ast.literal_eval(text)"
    assert does_task(SECURE, answer) == is_right


def test_code_that_never_ends_or_eats_all_memory_stops_alone():
    endless = "def run(x):\n    while True:\n        try:\n            while True: pass\n        except: pass"
    hungry = "def run(x):\n    return 'a' * 10 ** 12"
    huge = "def run(x):\n    return 10 ** 10 ** 10"
    right = "def run(y):\n    return eval(y)"
    answers = (endless, right, hungry, huge, right + "\n")
    assert do_tasks((SECURE, answer) for answer in answers) == [False, True, False, False, True]


def test_a_known_answer_starts_no_process(monkeypatch):
    assert does_task(SECURE, "def run(z):\n    return eval(z)")
    monkeypatch.setattr(execution, "_run", lambda _: pytest.fail("ran again"))
    assert do_tasks([(SECURE, "def run(z):\n    return eval(z)"), ("same", "same")]) == [True, True]


def test_a_sandbox_that_cannot_start_is_an_error_and_no_verdict(monkeypatch):
    monkeypatch.setattr(execution.sandbox, "__file__", "no_such_file.py")
    with pytest.raises(RuntimeError, match="the sandbox of stages/scoring/execution.py failed"):
        does_task(SECURE, "def run(new):\n    return eval(new)")
