"""Tables of plain text, and as aligned lines."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from msgspec import Struct

from claude_magic.control_characters import show_invisibles

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Table", "aligned"]

_GAP = "  "


class Table(Struct, frozen=True):
    """What a table says.

    Args:
        head: What stands above the columns; if empty, the first column says what the others are.
        rows: The cells' texts, whoever wrote them.
        note: A line below it.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def aligned(table: Table) -> str:
    """A table as lines whose columns stand below each other."""
    rows = [[_line(cell) for cell in row] for row in ([table.head] if table.head else []) + list(table.rows)]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = [_GAP.join(map(_filled, row, widths)).rstrip() for row in rows]
    return "\n".join([*lines, *(["", _line(table.note)] if table.note else [])])


def _line(text: str) -> str:
    return " ".join(show_invisibles(text).split())


def _filled(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """The columns it takes on a terminal: two for a wide character, none for one that sits on another."""
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )
