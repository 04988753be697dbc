r"""What is mathematics in an answer and what is not, and that it comes to the page as it was written."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from turns import Page, dangers

from claude_magic.commonmark.mathematics import PROCESS
from claude_magic.views.html.markup import markdown, sections
from claude_magic.views.terminal import _rich_markdown

_FORMULA = re.compile(rf'<(p|span) class="{PROCESS}">(.*?)</\1>', re.DOTALL)
MATRIX = "\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}"


def formulas(text: str) -> list[str]:
    """What the page is to typeset."""
    return [Page(found[2]).text for found in _FORMULA.finditer(markdown(text, typeset=True))]


@pytest.mark.fault(119, via="pure")
@pytest.mark.parametrize(
    "formula",
    [
        "$x$",
        "$a*b*c$",
        r"$\{x_1, x_2\}$",
        "$a<b$",
        r"$\text{cost \$5}$",
        "$$a_1 b_1$$",
        r"\(a*b*c\)",
        r"\[ a \\[2pt] b \]",
        f"$${MATRIX}$$",
        f"$$\n{MATRIX}\n$$",
        f"\\[\n{MATRIX}\n\\]",
        "\\begin{align*}\na &= b \\\\\n- c &= d\n\\end{align*}",
        "$$\na\n- b\n+ c\n$$",
        "\\begin{cases} a \\\\ b \\end{cases}",
    ],
)
@pytest.mark.parametrize(
    "around", ["{}", "So {}", "So\n{}\nor so.", "- {}", "> {}", "({})", "## {}", "在{}在"]
)
def test_a_formula_comes_to_the_page_as_it_is_written(formula: str, around: str) -> None:
    if "\n" in formula and around not in {"{}", "So\n{}\nor so."}:
        lines = formula.split("\n")
        if around not in {"- {}", "> {}"}:
            return
        formula, around = (
            "\n".join(lines),
            around.replace("{}", ("\n  " if around[0] == "-" else "\n> ").join(lines)),
        )
    if formula.startswith("\\begin") and not around.startswith(("{}", "So\n", "- ", "> ", "\\")):
        return  # an environment without delimiters stands in lines of its own

    assert formulas(around.replace("{}", formula)) == [formula]


@pytest.mark.fault(119, via="pure")
@pytest.mark.parametrize(
    "text",
    [
        "costs $5 and $10",
        "between $5 and US$10",
        "$HOME and $PATH",
        "$HOME/$PATH",
        "${A}:${B}",
        "$(pwd)/$(ls)",
        "user:~$ ls and user:~$ cd",
        "$ pip install x\n$ ls",
        r"\$x\$",
        "`$x$` and `\\(y\\)`",
        "```\n$x$\n\\[y\\]\n```",
        "    $x$",
        "$5 per seat (or 4$)",
        "a$x$b",
        "$1, $2 and $@",
        "x $`y$`",
        "$$ and\n\n$$",
        r"\[link\](https://a.b)",
        "[a](https://a.b/$x$)",
        "$x\n\ny$",
    ],
)
def test_money_variables_prompts_and_code_are_no_formulas(text: str) -> None:
    assert formulas(text) == []


@pytest.mark.fault(119, via="pure")
@pytest.mark.fault(78, via="pure")
@pytest.mark.parametrize(
    "formula",
    [
        r"\href{javascript:a}{b}",
        r"\style{background:url(https://e)}{x}",
        r"\class{jp-Cell}{x}",
        r"\cssId{MathJax}{x}",
        r"\require{html}",
        r"\eqref{a}",
        r"\bbox[background:url(https://e)]{x}",
        r"\def\le{\ge}",
        r"\newcommand{\le}{\ge}",
        r"\mmlToken{mi}[href='javascript:a']{x}",
        r"\begin{tex-html}<img src=x>\end{tex-html}",
    ],
)
def test_a_formula_with_power_over_the_page_stays_text(formula: str) -> None:
    for text in (
        f"${formula}$",
        f"$$\n{formula}\n$$",
        rf"\({formula}\)",
        f"\\begin{{align}}\n{formula}\n\\end{{align}}",
    ):
        assert formulas(text) == []


@pytest.mark.fault(79, via="pure")
def test_a_formulas_label_makes_no_id() -> None:
    assert formulas("\\begin{equation}\n\\label{eq:a} x\n\\end{equation}") == [
        "\\begin{equation}\n x\n\\end{equation}"
    ]


@pytest.mark.fault(83, via="pure")
@pytest.mark.parametrize(
    "text",
    [
        "\\begin{align}\n" * 20_000,
        "\\begin{align}\n\\begin{gather}\n" * 10_000,
        *("$$a\n" * 66_000, "$$" * 133_000, "$a " * 100_000, "$x$" * 100_000),
        *("\\(" * 133_000, "\\[" * 133_000, "\\[\n" * 100_000, "$" + "\\$" * 133_000),
    ],
    ids=lambda text: repr(text[:18]),
)
def test_hostile_formulas_take_bounded_time(text: str) -> None:
    began = time.process_time()

    made = markdown(text, typeset=True)
    sections(text)

    assert time.process_time() - began < 4
    assert dangers(made) == []
    assert made.count(PROCESS) <= 1_000


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([*"$\\()[]ab 5\n*<", "`a`", "$$", "\\(", "\\begin{align}", "\\end{align}"])).map(
        "".join
    )
)
def test_no_text_is_lost_by_looking_for_formulas(text: str) -> None:
    letters = "".join(re.findall(r"[a-z]", text))

    assert "".join(re.findall(r"[a-z]", Page(markdown(text, typeset=True)).text)) == letters
    assert dangers(markdown(text, typeset=True)) == []


@pytest.mark.fault(119, via="pure")
def test_the_terminal_shows_a_formula_as_it_is_written() -> None:
    from rich.console import Console

    console = Console(width=80)
    with console.capture() as shown:
        console.print(_rich_markdown(f"So $a*b*c$ is\n$$\n{MATRIX}\n$$\nfor $5 and $6."))

    assert "So $a*b*c$ is" in shown.get()
    assert MATRIX in shown.get()
    assert "$5 and $6" in shown.get()
