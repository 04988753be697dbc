"""Task lists and bare addresses, as tokens of the parser; which way a text runs."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from claude_magic.commonmark.directions import direct_blocks, direction
from claude_magic.commonmark.gfm import BARE
from claude_magic.commonmark.parser import code_blocks, new_parser

pytestmark = pytest.mark.fault(126, via="pure")


def links(text: str) -> list[tuple[str, str, str]]:
    """Each link of a text: where it leads, what stands in it, and how it is written."""
    found = []
    for block in new_parser().parse(text):
        parts = list(block.children or ())
        for at, part in enumerate(parts):
            if part.type == "link_open":
                assert parts[at + 2].type == "link_close"
                assert (part.nesting, parts[at + 2].nesting) == (1, -1)
                found.append((str(part.attrs["href"]), parts[at + 1].content, part.markup))
    return found


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("https://a.b and http://c.d", ["https://a.b", "http://c.d"]),
        ("https://a.b!?.,;:'*_~", ["https://a.b"]),
        ("(https://a.b/(c)) [https://a.b/[c]]", ["https://a.b/(c)", "https://a.b/[c]"]),
        ("(https://a.b/c).) and ((https://a.b))", ["https://a.b/c", "https://a.b"]),
        ("https://a.b/(c", ["https://a.b/(c"]),
        ("https://a.b/c)d", ["https://a.b/c)d"]),
        ("*https://a.b* [https://c.d](https://e.f) https://g.h", ["https://a.b", "https://g.h"]),
        ("“https://a.b” https://[::1]/", ["https://a.b", "https://[::1]/"]),
    ],
)
def test_an_address_is_a_link_without_what_only_stands_beside_it(text: str, addresses: list[str]) -> None:
    assert [link for link in links(text) if link[2] == BARE] == [(each, each, BARE) for each in addresses]


def test_what_stands_around_an_address_stays_text() -> None:
    (inline,) = [token for token in new_parser().parse("a https://b.c, https://d.e!") if token.children]

    assert [token.content for token in inline.children or ()] == [
        *("a ", "", "https://b.c", ""),
        *(", ", "", "https://d.e", "", "!"),
    ]
    assert {token.type for token in inline.children or ()} == {"text", "link_open", "link_close"}


def test_a_task_has_a_sign_for_its_box_and_its_list_no_class() -> None:
    tokens = new_parser().parse("- [x] a <b>\n- [ ] b\n- c")

    assert [token.attrs for token in tokens if token.type == "bullet_list_open"] == [{}]
    assert [token.attrs.get("class") for token in tokens if token.type == "list_item_open"] == [
        "claude-task",
        "claude-task",
        None,
    ]
    parts = [part for token in tokens for part in token.children or ()]
    assert {part.type for part in parts} == {"text"}
    assert ["".join(part.content for part in token.children or ()) for token in tokens if token.children] == [
        "✓ a <b>",
        "○ b",
        "c",
    ]


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("abc", None),
        ("", None),
        ("אבג", "rtl"),
        ("1. مرحب", "rtl"),
        ("abc אבג", "ltr"),
        ("\u200f 1", None),
        ("\u0591", None),
    ],
)
def test_a_text_runs_as_its_first_letter_does(text: str, way: str | None) -> None:
    assert direction(text) == way


def test_blocks_open_in_the_direction_of_the_first_letter_in_them() -> None:
    parser = MarkdownIt().enable("table")
    parser.core.ruler.push("directions", direct_blocks)

    def ways(text: str) -> list[tuple[str, object]]:
        return [(token.type, token.attrs.get("dir")) for token in parser.parse(text) if token.nesting == 1]

    assert ways("abc\n\n- אבג") == [
        ("paragraph_open", "ltr"),
        ("bullet_list_open", "rtl"),
        ("list_item_open", "rtl"),
        ("paragraph_open", "rtl"),
    ]
    assert ways("אבג\n\n1") == [("paragraph_open", "rtl"), ("paragraph_open", None)]
    assert ways("1\n\nאבג") == [("paragraph_open", "rtl"), ("paragraph_open", "rtl")]
    assert ways("abc") == [("paragraph_open", None)]
    assert ways("|א|\n|-|") == [
        *((f"{name}_open", None) for name in ("table", "thead", "tr")),
        ("th_open", "rtl"),
    ]


def test_a_block_of_code_says_how_and_where_it_is_written() -> None:
    (fenced, indented) = code_blocks("a\n\n- ~~~ py x \n  1\n\n  ~~~\n\n      2\n")

    assert fenced == ("1\n", "py x", "~~~", 2, 6)
    assert indented == ("2", "", "", 7, 8)
