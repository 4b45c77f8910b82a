"""The code of an answer: released chat models put it between Markdown fences, with words before and after."""

from markdown_it import MarkdownIt

FENCES = ("```", "~~~")
PYTHON = ("py", "python", "python3")
PARSER = MarkdownIt("commonmark")


def code_of(answer: str) -> str:
    """The first block that is marked as Python, or else the first without a mark; the whole answer where there is none.

    A block that the answer's end cuts off goes to that end. What follows the first is an example of use, as a rule.
    """
    if not any(fence in answer for fence in FENCES):
        return answer
    blocks = [token for token in PARSER.parse(answer) if token.type == "fence"]
    marks = [block.info.strip().lower() for block in blocks]
    of_python = [block for block, mark in zip(blocks, marks, strict=True) if mark.split(" ")[0] in PYTHON]
    unmarked = [block for block, mark in zip(blocks, marks, strict=True) if not mark]
    chosen = of_python or unmarked
    return chosen[0].content if chosen else answer
