"""The style sheet of a turn. `static/turn.css` has two parts: for every turn, and for the widget only."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

__all__ = ["style", "widget_style"]

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SPACE = re.compile(r"\s+")
_WIDGET_ONLY = "@media widget {}"


@lru_cache(maxsize=1)
def style() -> str:
    """The style sheet of a static turn, as a `style` element."""
    return f"<style>{_sheet().partition(_WIDGET_ONLY)[0].strip()}</style>"


@lru_cache(maxsize=1)
def widget_style() -> str:
    """The style sheet of a turn in a widget: the same, for another root, and more for its controls."""
    static, _, more = _sheet().partition(_WIDGET_ONLY)
    return static.replace(".claude-static", ".claude-turn") + more


def _sheet() -> str:
    sheet = (files("claude_magic.views") / "static" / "turn.css").read_text(encoding="utf-8")
    return _SPACE.sub(" ", _COMMENT.sub("", sheet))
