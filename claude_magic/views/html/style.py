"""The small style sheet in each saved turn, where no widget has brought turn.css into the page.

It is a link that holds its sheet: as an element's text it would be text to read where Markdown is made of a
notebook, and where a front end strips the tags alone. With its tag it has at most 1 kB, so `saved.css` is
written without a needless character but for its lines. What both sheets set they set for the same elements,
and there turn.css weighs more. The last rule has a dead widget, whose kernel is gone, leave its place to the
static output before it.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from urllib.parse import quote

from markupsafe import Markup

__all__ = ["linked", "style"]

_WRITTEN = " !$&'()*+,/:;=?@~{}>[]^|"  # stands for itself in an attribute and in a data URL


@lru_cache(maxsize=1)
def style() -> Markup:
    """The style of a static turn."""
    return linked((files(__package__) / "saved.css").read_text(encoding="utf-8"))


def linked(sheet: str) -> Markup:
    """A style sheet as an element that has no text; its lines are joined."""
    address = f"data:text/css,{quote(''.join(map(str.strip, sheet.splitlines())), safe=_WRITTEN)}"
    return Markup(f'<link rel="stylesheet" href="{address}">')  # noqa: S704  # quoted, and ours
