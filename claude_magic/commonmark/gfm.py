"""What people expect of Markdown since GitHub has it: task lists, and bare addresses that are links.

An address is found by one expression over each text, in linear time; linkify-it-py copies the rest of the
text at each one. A task's box is a sign, since no form element may come of content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from markdown_it.token import Token
from mdit_py_plugins.tasklists import tasklists_plugin

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore

__all__ = ["BARE", "add_gfm", "link"]

BARE = "bare"  # the markup of a link that is written as its address alone

_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9_])https?://[A-Za-z0-9\[][^\s<>\"`\\^{}|\u2018-\u201f\u3000-\u303f\uff01-\uff60]*",
    re.IGNORECASE,
)
_AFTER = ".,;:!?'*_~"  # no part of an address that it ends
_SIGNS = {True: "✓", False: "○"}


def add_gfm(parser: MarkdownIt) -> None:
    """Teaches a parser both; a task's item has the class `claude-task`."""
    parser.use(tasklists_plugin)
    parser.core.ruler.push("claude_tasks", _tasks)
    parser.core.ruler.push("claude_addresses", _addresses)


def link(address: str, text: str, markup: str = "") -> list[Token]:
    """The tokens of a link."""
    opening = Token("link_open", "a", 1, attrs={"href": address}, markup=markup)
    return [opening, _text(text), Token("link_close", "a", -1, markup=markup)]


def _tasks(state: StateCore) -> None:
    for token in state.tokens:
        name = token.attrs.get("class")
        if name == "contains-task-list":
            del token.attrs["class"]
        elif name == "task-list-item":
            token.attrs["class"] = "claude-task"
        for child in token.children or ():
            if child.type == "html_inline":  # the plugin's box; HTML in the text is text
                child.type, child.content = "text", _SIGNS["checked" in child.content]


def _addresses(state: StateCore) -> None:
    for token in state.tokens:
        if "://" in token.content and token.children:
            token.children = list(_linked(token.children))


def _linked(tokens: list[Token]) -> Iterator[Token]:
    depth = 0
    for token in tokens:
        depth += token.nesting if token.type in {"link_open", "link_close"} else 0
        yield from [token] if depth or token.type != "text" else _parts(token.content)


def _parts(text: str) -> Iterator[Token]:
    end = 0
    for match in _ADDRESS.finditer(text):
        address = _whole(match[0])
        yield _text(text[end : match.start()])
        yield from link(address, address, BARE)
        end = match.start() + len(address)
    yield _text(text[end:])


def _whole(address: str) -> str:
    """An address less the punctuation after it, and less a bracket that was opened before it."""
    end = len(address)
    missing = {")": address.count(")") - address.count("("), "]": address.count("]") - address.count("[")}
    while address[end - 1] in _AFTER or missing.get(address[end - 1], 0) > 0:
        end -= 1
        if address[end] in missing:
            missing[address[end]] -= 1
    return address[:end]


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
