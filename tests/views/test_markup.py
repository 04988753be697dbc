"""Markdown and code as HTML, and the allow-list that all of it passes."""

from __future__ import annotations

import time
from itertools import count

import pytest
from markupsafe import Markup
from turns import Page, outline

from claude_magic.views.html import markup
from claude_magic.views.html.markup import highlighted, markdown, markdown_tokens, plain, sanitized, sections

APART = "[rel=noopener noreferrer nofollow][target=_blank]"


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colours however busy the machine is."""
    monkeypatch.setattr(markup, "_HIGHLIGHT_TIME", 60.0)


@pytest.mark.fault(79, via="pure")
@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ('<p class="claude-a-b k mi">x</p>', "p.a-b.k.mi(x)"),
        ('<p class="jp-Cell">x</p>', "p(x)"),
        ('<p class="claude-a jp-Cell">x</p>', "p(x)"),
        ('<p class="mathjax_process tex2jax_process">x</p>', "p.mathjax_process.tex2jax_process(x)"),
        ('<p dir="rtl">x</p><p dir="ltr">y</p><p dir="auto">z</p>', "p[dir=rtl](x)p[dir=ltr](y)p(z)"),
        ('<p id="a" style="b" onclick="c">x</p>', "p(x)"),
        (
            '<img src="data:image/png;base64,AA==" alt="a" class="claude-b">',
            "img.b[alt=a][src=data:image/png;base64,AA==]",
        ),
        ('<img src="data:image/svg+xml;base64,AA==">', "img"),
        ('<img src="data:image/png;base64,AA==x">', "img"),
        ('<img src="https://a.b/c.png">', "img"),
        ('<a href="https://a.b">x</a>', f"a[href=https://a.b]{APART}(x)"),
        ('<a href="mailto:a@b.c">x</a>', f"a[href=mailto:a@b.c]{APART}(x)"),
        ('<a href="data:text/html,x">x</a>', f"a{APART}(x)"),
        ('<a href="javascript:x">x</a>', f"a{APART}(x)"),
        ('<details open class="claude-a"><summary>x</summary></details>', "details.a[open=](summary(x))"),
        ('<ol start="3"><li>x</li></ol>', "ol[start=3](li(x))"),
        ("<script>x</script><style>y</style><b>z</b><!-- c -->", "z"),
    ],
)
def test_the_allow_list_lets_through_what_is_ours_and_nothing_else(written: str, kept: str) -> None:
    assert outline(sanitized(Markup(written))) == kept  # noqa: S704


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("| a | b | c |\n|:-:|--:|:--|\n| 1 | 2 | 3 |", ["center", "right", "", "center", "right", ""]),
        ("| a |\n|---|\n| 1 |", ["", ""]),
    ],
)
def test_a_tables_cells_are_aligned_by_classes(text: str, seen: list[str]) -> None:
    page = Page(markdown(text))

    assert page.tags[:4] == ["table", "thead", "tr", "th"]
    assert page.values("class") == [f"claude-{way}" for way in seen if way]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("```python\nif x: pass\n```", "pre.code.in-python(code(span.k(if) x: span.k(pass)\n))\n"),
        ("``` Py  linenos=1\nif\n```", "pre.code.in-python(code(span.k(if)\n))\n"),
        ("```\nif\n```", "pre.code(code(if\n))\n"),
        ("```sh\nls\n```", "pre.code.in-bash(code(ls\n))\n"),
        ("```odd\nif\n```", "pre.code(code(if\n))\n"),
        ("    if <b>", "pre.code(code(if <b>\n))\n"),
        ("![a](https://b.c)!", f"p(a[href=https://b.c]{APART}(a)!)\n"),
        ("![](https://b.c)", f"p(a[href=https://b.c]{APART}(https://b.c))\n"),
        ("![a](x.png)", "p(![a](x.png))\n"),
        ("*a* `b`", "p(em(a) code(b))\n"),
    ],
)
def test_markdown_is_made_of_plain_elements(text: str, seen: str) -> None:
    assert outline(markdown(text)) == seen


def test_code_is_coloured_only_where_it_is_wanted() -> None:
    assert outline(markdown("```python\nif\n```", coloured=False)) == "pre.code.in-python(code(if\n))\n"


def test_formulas_are_typeset_where_the_page_can_and_no_more_than_a_thousand() -> None:
    assert outline(markdown("$x$")) == "p(span($x$))\n"
    assert outline(markdown("$$\nx\n$$")) == "p($$\nx\n$$)\n"
    assert outline(markdown("$$\nx \\label {a}\n$$", typeset=True)) == (
        "p.mathjax_process.tex2jax_process($$\nx \n$$)\n"
    )
    assert outline(markdown("$$\nx \\label{a}\n$$")) == "p($$\nx \\label{a}\n$$)\n"
    many = markdown(f"{'$x$ ' * 999}$\\label{{a}}x$ $x$", typeset=True)
    assert "label" not in many
    assert many.count('<span class="mathjax_process') == 1_000
    assert many.endswith("<span>$x$</span></p>\n")


def test_text_that_costs_too_much_comes_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "_MAX_WORK", 1_000)

    assert markdown_tokens("a" * 1_000) is not None
    assert markdown_tokens("a" * 1_001) is None
    assert markdown_tokens("[" * 24 + "a" * 16) is not None
    assert markdown_tokens("[" * 24 + "a" * 17) is None
    assert markdown(f"*a*\x07{'b' * 1_000}") == plain(f"*a*{'b' * 1_000}")
    assert plain("<b>\x07") == '<pre class="claude-plain">&lt;b&gt;</pre>'


def test_text_that_nests_too_deeply_comes_as_it_is() -> None:
    assert "<blockquote>" in markdown(">" * 56 + " a")
    assert markdown(">" * 57 + " *a*") == plain(">" * 57 + " *a*")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a\n\nb\n\n- c\n- d\n", ["a\n", "b\n", "- c\n- d\n"]),
        ("\n\na", ["\n", "a"]),
        ("# a\nb", ["# a", "b"]),
        ("a\x07\r\nb", ["a\nb"]),
        ("", [""]),
        ("a\n$$\nx\n$$\n\nb", ["a", "$$\nx\n$$\n", "b"]),
        ("a\n$$\nx", ["a\n$$\nx"]),
        ("a\n$$\nx\n", ["a\n$$\nx\n"]),
        ("$$\n- a", ["$$\n- a"]),
        ("a\n$$\nx\n$$", ["a\n$$\nx\n$$"]),
        ("$$\nx", ["$$\nx"]),
        ("a\n\n$$\nx", ["a\n", "$$\nx"]),
        ("```\na\n\nb\n```\nc", ["```\na\n\nb\n```", "c"]),
    ],
)
def test_a_section_is_a_block_that_stands_by_itself(text: str, parts: list[str]) -> None:
    assert sections(text) == parts


def test_a_formula_that_may_still_be_part_of_the_paragraph_above_stays_with_it() -> None:
    whole = "a\n$$\nx\n$$\nb\n\nc"
    for end in range(len(whole)):
        grown = sections(whole[:end])
        assert sections(whole)[: len(grown) - 1] == grown[:-1]


@pytest.mark.parametrize(
    ("source", "language", "seen"),
    [
        ("if <b>\x07", " Python ", "span.k(if) span.o(<)bspan.o(>)"),
        ("\nif\n\n", "py", "\nspan.k(if)\n\n"),
        ("", "python", ""),
        ("- a: b", "yaml", "- span.nt(a): span.l(b)"),
        ("if", "", "if"),
        ("<b>", "odd", "<b>"),
        ("1" * 20_000, "python", f"span.mi({'1' * 20_000})"),
        ("1" * 20_001, "python", "1" * 20_001),
    ],
    ids=count(),
)
def test_code_is_coloured_where_its_language_is_known_and_it_is_short(
    source: str, language: str, seen: str
) -> None:
    assert outline(highlighted(source, language)) == seen


def test_colouring_is_given_up_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    assert highlighted("if <b>", "python", time.perf_counter() - 1) == "if &lt;b&gt;"
    assert "span" in highlighted("if", "python", time.perf_counter() + 60)
    ticks = iter([0.0, 60.0, 60.1])
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))
    assert highlighted("if x", "python") == "if x"
