"""Which way a text runs, told by its first letter, as the Unicode bidirectional algorithm does (UAX 9, P2).

`dir="auto"` would leave it to the browser, which does not look again at a heading whose text comes later.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from markdown_it.rules_core import StateCore

__all__ = ["Direction", "direct_blocks", "direction"]

Direction = Literal["ltr", "rtl"]

_RIGHT_TO_LEFT = re.compile(
    r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_STRONG: dict[str, Direction] = {"L": "ltr", "R": "rtl", "AL": "rtl"}
_DIRECTED = {
    f"{name}_open"
    for name in ("paragraph", "heading", "bullet_list", "ordered_list", "list_item", "blockquote", "th", "td")
}


def direction(text: str) -> Direction | None:
    """The direction of a text's first letter; None where all of it goes from left to right."""
    return _first_strong(text) if _RIGHT_TO_LEFT.search(text) else None


def direct_blocks(state: StateCore) -> None:
    """Where something is written from right to left, gives each block the direction of its first letter.

    From the end to the beginning: what a block opens with is then what was seen last.
    """
    if not _RIGHT_TO_LEFT.search(state.src):
        return
    nearest: Direction | None = None
    for token in reversed(state.tokens):
        if token.type == "inline":
            nearest = _first_strong(token.content) or nearest
        elif token.type in _DIRECTED and nearest is not None:
            token.attrSet("dir", nearest)


def _first_strong(text: str) -> Direction | None:
    kinds = (_STRONG.get(unicodedata.bidirectional(character)) for character in text)
    return next((kind for kind in kinds if kind is not None), None)
