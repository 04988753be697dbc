"""Where a formula begins and ends, for the parser and in a line."""

from __future__ import annotations

from itertools import count

import pytest

from claude_magic.commonmark.mathematics import GROWING, formula_at
from claude_magic.commonmark.parser import lines_of_formulas, new_parser

pytestmark = pytest.mark.fault(119, via="pure")

ROWS = "x\n" * 98


def blocks(text: str, *, growing: bool = False) -> list[tuple[str, list[int] | None, bool]]:
    """Each formula with lines of its own: its text, its lines, and whether it may still be closed."""
    tokens = new_parser().parse(text, {GROWING: True} if growing else {})
    return [(token.content, token.map, token.meta[GROWING]) for token in tokens if token.type == "math_block"]


@pytest.mark.parametrize(
    ("text", "formula", "lines"),
    [
        ("$$\nx\n$$", "$$\nx\n$$", [0, 3]),
        ("a\n$$\nx\n$$  \nb", "$$\nx\n$$", [1, 4]),
        ("$$x\ny$$", "$$x\ny$$", [0, 2]),
        ("\\[\nx\n\\]", "\\[\nx\n\\]", [0, 3]),
        ("\\[\\]", "\\[\\]", [0, 1]),
        ("\\begin{align*}\nx\n\\end{align*}", "\\begin{align*}\nx\n\\end{align*}", [0, 3]),
        ("> a\n$$\nx\n$$", "$$\nx\n$$", [1, 4]),
        ("- $$\n  x\n  $$", "$$\nx\n$$", [0, 3]),
        ("[a]: b '\n$$\nx\n$$", "$$\nx\n$$", [1, 4]),
        ("\\[\na\n\\[\nb\n\\]", "\\[\nb\n\\]", [2, 5]),
        ("\\begin{align}\n\\begin{align}\na\n\\end{align}", "\\begin{align}\na\n\\end{align}", [1, 4]),
        (f"$$\n{ROWS}$$", f"$$\n{ROWS}$$", [0, 100]),
        (f"$$\n{'x' * 4_994}\n$$", f"$$\n{'x' * 4_994}\n$$", [0, 3]),
    ],
)
def test_a_formula_in_lines_of_its_own_goes_to_the_line_that_closes_it(
    text: str, formula: str, lines: list[int]
) -> None:
    assert blocks(text) == [(formula, lines, False)]
    assert lines_of_formulas(text) == set(range(*lines))


@pytest.mark.parametrize(
    "text",
    [
        "$$\nx",
        "$$\n\nx\n$$",
        "$$\nx\n$$ y",
        "\\[ x \\] y",
        "\\begin{align}\nx\n\\end{gather}",
        "\\begin{verbatim}\nx\n\\end{verbatim}",
        "- $$\n  x\ny\n  $$",
        "    $$\n    x\n    $$",
        f"$$\n{ROWS}x\n$$",
        f"$$\n{'x' * 4_995}\n$$",
        "$$\n\\href{x}\n$$",
    ],
)
def test_what_nothing_closes_or_makes_too_long_is_no_formula(text: str) -> None:
    assert blocks(text) == []
    assert lines_of_formulas(text) == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("$$\nx", [("$$\nx", [0, 2], True)]),
        ("\\[\nx", [("\\[\nx", [0, 2], True)]),
        ("$$\nx\n$$", [("$$\nx\n$$", [0, 3], False)]),
        ("a\n\n" * 30 + "$$\n" + "x\n" * 50, [("$$\n" + "x\n" * 49 + "x", [60, 111], True)]),
        (f"$$\n{ROWS}", [(f"$$\n{ROWS}".strip(), [0, 99], True)]),
        (f"$$\n{ROWS}x", []),
    ],
)
def test_while_a_text_grows_a_formula_may_still_be_closed(
    text: str, found: list[tuple[str, list[int] | None, bool]]
) -> None:
    assert blocks(text, growing=True) == found


@pytest.mark.parametrize(
    ("text", "place", "formula"),
    [
        ("a $x$ b", 2, "$x$"),
        ("a$x$", 1, ""),
        ("$x$", 0, "$x$"),
        ("a\\(x\\)", 1, "\\(x\\)"),
        ("a$$x$$", 1, "$$x$$"),
        ("\\[x\\]", 0, "\\[x\\]"),
        ("\\[x\\](y)", 0, ""),
        ("$5 km$", 0, ""),
        ("x", 0, ""),
        (f"${'x' * 4_998}$", 0, f"${'x' * 4_998}$"),
        (f"${'x' * 4_999}$", 0, ""),
    ],
    ids=count(),
)
def test_a_formula_in_a_line_begins_where_a_person_would_see_one(text: str, place: int, formula: str) -> None:
    assert formula_at(text, place) == formula


def test_a_formula_in_a_line_is_a_token_of_its_own() -> None:
    (inline,) = [token for token in new_parser().parse("a $x$ *b*") if token.type == "inline"]

    assert [(token.type, token.content, token.level) for token in inline.children or ()] == [
        ("text", "a ", 0),
        ("math_inline", "$x$", 0),
        ("text", " ", 0),
        ("em_open", "", 0),
        ("text", "b", 1),
        ("em_close", "", 0),
    ]
