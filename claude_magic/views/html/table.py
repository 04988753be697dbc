"""A table of plain text as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from claude_magic.commonmark.mathematics import IGNORE
from claude_magic.control_characters import show_invisibles
from claude_magic.views.html.elements import div, element
from claude_magic.views.html.markup import sanitized
from claude_magic.views.html.style import linked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_magic.wording.tables import Table

__all__ = ["table"]

_SHORT_CELL = 30  # characters that stay in one line
# JupyterLab aligns every cell to the right, by a selector that weighs more than one class.
_STYLE = linked(
    ".claude-table.claude-table{overflow-x:auto;"
    "th,td{text-align:left;vertical-align:top}.claude-short{white-space:nowrap}}"
)


def table(contents: Table) -> Markup:
    """A table, its style included."""
    above = element("thead", "", _row("th", contents.head)) if contents.head else ""
    body = element("tbody", "", *(_row("td", row, headed=not contents.head) for row in contents.rows))
    below = div("claude-note", show_invisibles(contents.note)) if contents.note else ""
    inside = element("table", "", above, body)
    return _STYLE + div(IGNORE, sanitized(div("claude-table", inside, below)))


def _row(tag: str, cells: Sequence[str], *, headed: bool = False) -> Markup:
    return element(
        "tr", "", *(_cell("th" if headed and not at else tag, cell) for at, cell in enumerate(cells))
    )


def _cell(tag: str, text: str) -> Markup:
    return element(tag, "claude-short" if len(text) <= _SHORT_CELL else "", show_invisibles(text))
