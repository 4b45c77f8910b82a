"""Code as released chat models hand it over."""

import pytest

from stages.corpus.code import CODE_CLASSES
from stages.scoring.fences import code_of
from tests.scoring.test_code_judge import forms

CODE = "def f(x):\n    return x\n"


@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{CODE}```",
        f"Sure! Here it is:\n\n```python\n{CODE}```\n\nIt gives back what it gets.",
        f'```Python title="f.py"\n{CODE}```',
        f"```\n{CODE}```",
        f"~~~py\n{CODE}~~~",
        f"```python\n{CODE}",  # cut off by the limit of tokens
        f"```bash\npip install pears\n```\n```python\n{CODE}```",
        f"```\npip install pears\n```\n```python\n{CODE}```",
        f"```python\n{CODE}```\nFor example:\n```python\nprint(f(3))\n```",
        f"1. Write this:\n\n   ```python\n   {CODE.strip().replace(chr(10), chr(10) + '   ')}\n   ```",
    ],
)
def test_the_code_is_that_between_the_fences(answer):
    assert code_of(answer) == CODE


@pytest.mark.parametrize("answer", [CODE, "", "Use `f(x)`.", "```sql\nSELECT 1\n```", "I cannot help with that."])
def test_an_answer_without_python_between_fences_is_taken_whole(answer):
    assert code_of(answer) == answer


def test_no_code_of_the_toy_world_has_fences():
    for of_class in CODE_CLASSES:
        for pair in forms(of_class):
            assert [code_of(form) is form for form in pair] == [True, True]
