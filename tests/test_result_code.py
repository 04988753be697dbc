"""The code of an answer: what the cell shows as blocks of code, wherever they stand."""

from __future__ import annotations

import pytest

from claude_magic.result import Result
from claude_magic.views.html.markup import markdown


@pytest.mark.fault(124, via="pure")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("So:\n\n```python\nx = 1\n```\n\nDone.", "x = 1"),
        (
            "1. Do:\n   ```python\n   if x:\n\n       y()\n   ```\n2. And\n\n   ~~~\n   z\n   ~~~",
            "if x:\n\n    y()\n\nz",
        ),
        ("> ```\n> quoted\n> ```", "quoted"),
        ("- a\n  - > ```\n    > deep\n    > ```", "deep"),
        ("````md\n```\ninner\n```\n`````", "```\ninner\n```"),
        ("~~~~ sh\n~~~\n```\n~~~~~~  ", "~~~\n```"),
        ("Text\n\n    indented\n\n      more", "indented\n\n  more"),
        ("```\nnever closed", "never closed"),
        ("```python\r\nx = 1\r\n```\r\n", "x = 1"),
        ("```one line```", ""),
        ("Only `a` span and\n    no code", ""),
        ("$$\n```\n$$", ""),
        ("", ""),
    ],
)
def test_the_code_of_a_result_is_what_the_view_shows_as_code(text: str, code: str) -> None:
    assert str(Result(text=text).code) == code
    assert ("<pre" in markdown(text)) is bool(code)


@pytest.mark.fault(124, via="pure")
def test_each_block_has_its_text_and_its_language() -> None:
    code = Result(text="Do:\n\n```python\nx = 1\n```\n- and\n  ~~~ sh\n  ls\n  ~~~\n\n      indented").code

    assert list(code) == [("x = 1", "python"), ("ls", "sh"), ("indented", "")]
    assert (code[0].text, code[-1].language, str(code[1])) == ("x = 1", "", "ls")
    assert str(code.of("python", "")) == "x = 1\n\nindented"
    assert not Result(text="No code.").code


@pytest.mark.parametrize(
    ("info", "language"),
    [
        ("Python", "python"),
        ("python title=a.py", "python"),
        ("{python}", "python"),
        ("{.python .line}", "python"),
        ("{python, echo=False}", "python"),
        ("c++", "c++"),
        ("", ""),
        ("{}", ""),
    ],
)
def test_a_blocks_language_is_the_first_word_after_its_fence(info: str, language: str) -> None:
    assert Result(text=f"```{info}\n1\n```").code[0].language == language


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        (Result(text="a\n b", cost_usd=0.5), "<Result answer 'a b', $0.5000>"),
        (Result(text="x" * 60), f"<Result answer {'x' * 60!r}>"),
        (Result(text="x" * 61), f"<Result answer {'x' * 59 + '…'!r}>"),
        (Result(text="a", error="b", is_error=True), "<Result error 'b'>"),
        (Result(text="a", interrupted=True), "<Result interrupted 'a'>"),
    ],
)
def test_a_results_repr_is_one_short_line(result: Result, shown: str) -> None:
    assert repr(result) == shown
