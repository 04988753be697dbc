"""HTML is made of elements: what is text in them stays text, whoever forgets what."""

from __future__ import annotations

import ast
from importlib.resources import files

import pytest
from markupsafe import Markup
from turns import Page, turn

from claude_magic.views.html import turn as html
from claude_magic.views.html.elements import code, details, div, element, joined, pre, span
from claude_magic.views.html.style import linked
from claude_magic.wire import events as wire

HOSTILE = "</pre><script>alert('1')</script> & \"x\""
MADE = {
    "div": div("claude-a", HOSTILE),
    "span": span("claude-a", HOSTILE),
    "pre": pre("claude-a", HOSTILE),
    "code": code("claude-a", HOSTILE),
    "details": details("claude-a", HOSTILE),
    "joined": joined([HOSTILE]),
    "in another": div("", span("", HOSTILE), HOSTILE),
    "added": div("") + HOSTILE,
    "in front": HOSTILE + div(""),
}


@pytest.mark.fault(77, via="pure")
@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_text_in_an_element_or_beside_it_is_escaped(made: Markup) -> None:
    page = Page(made)

    assert set(page.tags) <= {"div", "span", "pre", "code", "details", "summary"}
    assert HOSTILE in page.text


def test_an_attribute_ends_where_it_ends_and_an_empty_one_is_left_out() -> None:
    made = element("p", "claude-a", "x", dir='"><script>', title="")

    assert Page(made).attributes == [("p", "class", "claude-a"), ("p", "dir", '"><script>')]


def test_what_is_html_already_stays_as_it_is() -> None:
    assert div("claude-a", span("", "1 < 2")) == '<div class="claude-a"><span>1 &lt; 2</span></div>'


def test_a_style_sheet_is_a_link_that_holds_it_in_one_line() -> None:
    assert linked(' a{\n  b:"c"}\n#d{}%<') == (
        '<link rel="stylesheet" href="data:text/css,a{b:%22c%22}%23d{}%25%3C">'
    )


def test_nothing_else_in_the_room_writes_a_tag() -> None:
    """Markup made of anything but a literal is a finding of ruff (S704), so each is seen and has a reason."""
    written = {
        (path.name, node.value)
        for path in files("claude_magic.views.html").iterdir()
        if path.name.endswith(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("<")
    }

    assert written == {
        ("elements.py", "<"),
        ("elements.py", "</"),
        ("elements.py", '<img class="{}" alt="{}" src="data:{};base64,{}">'),
        ("style.py", '<link rel="stylesheet" href="'),
        ("elements.py", "<br>"),
    }


def test_a_retry_counts_down_only_while_there_is_something_to_wait_for() -> None:
    retry = wire.ApiRetry(attempt=1, max_retries=10, retry_delay_ms=2_000, error="again in 2.0 s")
    transcript = turn(retry)
    block = transcript.blocks[0]

    waiting = html.block(block)
    transcript.apply(wire.ResultEvent(subtype="success"))

    assert waiting.count('the next is in <span class="claude-countdown">2.0 s</span>.') == 1
    assert "again in 2.0 s" in html.block(block)
    assert "claude-countdown" not in html.block(block)
